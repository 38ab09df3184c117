"""One control change in full: who, why, guards, the documents before and after, how to do and to undo it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_console.acting.request import sentence
from h2o_console.commands.entries import subjects
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.figures import age, moment, utc
from h2o_console.rows.journal import short
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.sections import plain, title
from h2o_console.text import pad, safe
from h2o_core.figures import many
from h2o_core.verdicts import Verdict

if TYPE_CHECKING:
    from h2o_core.audit import Edit, Entry

_MOST_LINES: Final = 400
"""Of a document; longer ones are compared in no reasonable time, and read by nobody."""
_AROUND: Final = 2
_TIMES: Final = frozenset({"since", "until", "review", "at"})
_NAME: Final = 13
_SIGNS: Final = {
    Verdict.PASSED: (" ", "passed", Tone.GOOD),
    Verdict.WARNED: ("!", "warned", Tone.WARN),
    Verdict.REFUSED: ("x", "refused, and forced", Tone.BAD),
}


def entry_lines(entry: Entry, undone_by: str, now_s: float, width: int) -> tuple[Line, ...]:
    """All lines, for the Unix time *now_s*; *undone_by*: the id of the change that took it back, "" for none."""
    return (
        *_facts(entry, undone_by, now_s, width),
        *_guards(entry, width),
        *(line for at, edit in enumerate(entry.edits) for line in _document(at, edit, width)),
        *_again(entry, undone_by, width),
        *_ways(entry, width),
    )


def _facts(entry: Entry, undone_by: str, now_s: float, width: int) -> Iterator[Line]:
    author = entry.author
    forced = Tone.WARN if entry.forced else Tone.NAME
    yield from _fact("what", f"{'FORCED: ' if entry.forced else ''}{sentence(entry)}", forced, width)
    checked = "verified by an agent" if author.verified else "claimed by their own program"
    yield from _fact("who", f"{author.actor} ({checked})", Tone.PLAIN, width)
    yield from _fact("with", author.origin, Tone.DIM, width)
    yield from _fact("why", author.reason or "no reason given", Tone.PLAIN if author.reason else Tone.DIM, width)
    ago = age(max(0.0, now_s - entry.at_s))
    yield from _fact("when", f"{moment(entry.at_s, now_s)} UTC, {ago} ago; epoch {entry.epoch}", Tone.PLAIN, width)
    if entry.until_s:
        yield from _fact("until", f"{moment(entry.until_s, now_s)} UTC", Tone.PLAIN, width)
    if entry.undo_of:
        yield from _other("takes back", entry.undo_of, width)
    if undone_by:
        yield from _other("undone by", undone_by, width)


def _fact(name: str, text: str, tone: Tone, width: int) -> Iterator[Line]:
    for at, part in enumerate(wrap(safe(text, 2000), max(width - _NAME - 1, 10)) or [""]):
        head = Cell(pad(f"  {name}" if at == 0 else "", _NAME), Tone.DIM)
        yield Line(f"{name}:{at}", (head, Cell(pad(part, max(width - _NAME, 0)), tone)), selectable=False)


def _other(name: str, change: str, width: int) -> Iterator[Line]:
    """Another change, which opens."""
    cells = (
        Cell(pad(f"  {name}", _NAME), Tone.DIM),
        Cell(pad(short(change), max(width - _NAME, 0)), Tone.NAME),
    )
    yield Line(name, cells, opens=Place(Kind.ENTRY, change))


def _guards(entry: Entry, width: int) -> Iterator[Line]:
    if not entry.guards:
        return
    yield from title("GUARDS", width)
    for at, one in enumerate(entry.guards):
        sign, word, tone = _SIGNS[one.verdict]
        about = f" ({one.subject})" if one.subject else ""
        text = safe(f"{word}: {one.name}{about}: {one.sentence}", 1000)
        for row, part in enumerate(wrap(text, max(width - 6, 10), subsequent_indent="  ")):
            mark = Cell(f"  {sign if row == 0 else ' '} ", tone)
            yield Line(f"guard:{at}:{row}", (mark, Cell(pad(part, max(width - 4, 0)))), selectable=False)


# ---------------------------------------------------------------------- documents


def _document(at: int, edit: Edit, width: int) -> Iterator[Line]:
    before, after = _read(edit.before), _read(edit.after)
    done = "made" if edit.before is None else "deleted" if edit.after is None else "changed"
    yield from title(f"{safe(edit.path, 120)}: {done}", width)
    if len(before) > _MOST_LINES or len(after) > _MOST_LINES:
        lines = f"{many(len(before), 'line')} before, {len(after)} after"
        text = f"  {lines}: too many to be compared here; h2o journal ID -o json"
        yield plain(f"long:{at}", text, Tone.DIM, width)
        return
    for number, (sign, text) in enumerate(difference(before, after)):
        tone = {"+": Tone.GOOD, "-": Tone.BAD, "…": Tone.DIM}.get(sign, Tone.DIM)
        cells = (Cell(f"  {sign} ", tone), Cell(pad(safe(text, 2000), max(width - 4, 0)), tone))
        yield Line(f"edit:{at}:{number}", cells, selectable=False)


def _read(data: bytes | None) -> list[str]:
    """A document's lines: a field each, of a list an item each; what is no JSON object as it stands."""
    if data is None:
        return []
    text = data.decode("utf-8", "replace")
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return text.splitlines()
    if not isinstance(document, dict):
        return text.splitlines()
    fields = cast("dict[str, Any]", document)
    return [line for name in sorted(fields) for line in _field(name, fields[name])]


def _field(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, list) and value:
        yield from (f"{name}: {_value('', item)}" for item in cast("list[Any]", value))
    else:
        yield f"{name}: {_value(name, value)}"


def _value(name: str, value: Any) -> str:
    """``version 2.3.1, parts 8000``; a time as a time."""
    if isinstance(value, dict) and value:
        return ", ".join(f"{key} {_value(key, item)}" for key, item in sorted(cast("dict[str, Any]", value).items()))
    if name in _TIMES and isinstance(value, int | float) and value:
        return utc(value)
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def difference(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    """``-`` what went, ``+`` what came, two unchanged lines around, ``…`` for those that are left out."""
    for tag, first, last, other, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from _equal(before[first:last], begins=first == 0, ends=last == len(before))
        else:
            yield from (("-", line) for line in before[first:last])
            yield from (("+", line) for line in after[other:end])


def _equal(lines: Sequence[str], *, begins: bool, ends: bool) -> Iterator[tuple[str, str]]:
    head = 0 if begins else _AROUND
    tail = 0 if ends else _AROUND
    if len(lines) <= head + tail + 1:
        yield from ((" ", line) for line in lines)
        return
    yield from ((" ", line) for line in lines[:head])
    yield "…", f"{len(lines) - head - tail} lines as they were"
    yield from ((" ", line) for line in lines[len(lines) - tail :])


# ---------------------------------------------------------------------- ways on


def _again(entry: Entry, undone_by: str, width: int) -> Iterator[Line]:
    yield from title("THE SAME ON THE COMMAND LINE (c copies what takes it back)", width)
    if entry.command:
        yield from _fact("do it", entry.command, Tone.PLAIN, width)
    if undone_by:
        yield plain("undo", "  it is undone already", Tone.DIM, width)
    else:
        yield from _fact("take back", undo_command(entry), Tone.KEY, width)


def undo_command(entry: Entry) -> str:
    """What takes it back."""
    return f"h2o undo {short(entry.change_id)}"


def _ways(entry: Entry, width: int) -> Iterator[Line]:
    packages, hosts = subjects(entry)
    places = [*(Place(Kind.PACKAGE, name) for name in packages), *(Place(Kind.HOST, name) for name in hosts)]
    if not places:
        return
    yield from title("GO TO", width)
    for place in places:
        text = pad(f"{place.kind.value:<9} {safe(place.key, 80)}", max(width - 2, 0))
        yield Line(f"to:{place.kind.value}:{place.key}", (Cell("  "), Cell(text, Tone.NAME)), opens=place)
