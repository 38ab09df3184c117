"""A plan on the screen, however narrow: what could go wrong comes first, then what would change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.plan_facts import SIGNS, Said, remarks, tables, verdicts
from h2o_console.rows.sections import Field, Grid
from h2o_console.text import clip, pad, safe, width as cells_of
from h2o_core.verdicts import Verdict

if TYPE_CHECKING:
    from h2o_core.plan.plan import Plan

_TONES: Final = {Verdict.PASSED: Tone.GOOD, Verdict.WARNED: Tone.WARN, Verdict.REFUSED: Tone.BAD}
_NUMBERS: Final = frozenset({"SHARE NOW", "LOAD NOW", "THEN"})
_GOES: Final = {"SLOTS": 5, "INSTANCE": 4, "VERSION": 3, "PACKAGE": 2}
_GOES_OF_SHARES: Final = {"PACKAGE": 1}
"""Which column goes first when it gets narrow."""
_LONGEST: Final = 4000


def plan_lines(plan: Plan, silent: Mapping[str, str], width: int) -> Iterator[Line]:
    """All of it; *silent*: hosts that say nothing of themselves → why."""
    yield from paragraph("sentence", plan.sentence, Tone.NAME, width)
    if not plan.edits:
        yield from paragraph("nothing", "All of it is so already: there is nothing to decide.", Tone.GOOD, width)
    said = verdicts(plan)
    for at, one in enumerate(each for each in said if each[0] is not Verdict.PASSED):
        yield from _verdict(f"against:{at}", one, width)
    for at, text in enumerate(remarks(plan, silent)):
        yield from paragraph(f"remark:{at}", text, Tone.PLAIN, width)
    for heads, rows in tables(plan):
        yield Line(f"gap:{heads[0]}", (Cell(pad("", width)),), selectable=False)
        yield from _table(heads, rows, width)
    yield Line("gap:", (Cell(pad("", width)),), selectable=False)
    for at, one in enumerate(each for each in said if each[0] is Verdict.PASSED):
        yield from _verdict(f"passed:{at}", one, width)
    yield from _pair("undo", plan.undo, width)
    yield from _pair("same as", plan.command, width)


def paragraph(key: str, text: str, tone: Tone, width: int, first: str = "", rest: str = "") -> Iterator[Line]:
    """*text* from anywhere, wrapped; *first* stands before its first line, *rest* before the others."""
    room = max(width - max(cells_of(first), cells_of(rest)), 8)
    for at, part in enumerate(_wrapped(safe(text, _LONGEST), room) or [""]):
        yield Line(f"{key}:{at}", (Cell(pad(f"{rest if at else first}{part}", width), tone),), selectable=False)


def _wrapped(text: str, room: int) -> list[str]:
    """Also what has wide characters, or no blanks at all."""
    found: list[str] = []
    for part in wrap(text, room, break_on_hyphens=False):
        left = part
        while cells_of(left) > room:
            head = clip(left, room)[:-1]
            found.append(head)
            left = left[len(head) :]
        found.append(left)
    return found


def _verdict(key: str, said: Said, width: int) -> Iterator[Line]:
    verdict, sentence, hint = said
    head = f"{SIGNS[verdict]} {verdict.value:<8}" if width >= 40 else f"{SIGNS[verdict]} {verdict.value}: "
    indent = " " * (cells_of(head) if width >= 40 else 2)
    yield from paragraph(key, sentence, _TONES[verdict], width, head, indent)
    if hint:
        yield from paragraph(f"{key}:hint", hint, Tone.DIM, width, f"{indent}  ", f"{indent}  ")


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]], width: int) -> Iterator[Line]:
    shown = [tuple(safe(text, 80) for text in row) for row in rows]
    goes = _GOES_OF_SHARES if "SHARE NOW" in heads else _GOES
    columns = [Field(head, cells_of(head), goes.get(head, 0), right=head in _NUMBERS) for head in heads]
    content = {head: [row[at] for row in shown] for at, head in enumerate(heads)}
    natural = 3 + sum(max(cells_of(head), *map(cells_of, content[head])) + 1 for head in heads)
    grid = Grid.fitting(columns, content, min(width, natural))
    heads_of = grid.line(f"heads:{heads[0]}", [(head, Tone.HEAD) for head in heads])
    yield Line(heads_of.key, heads_of.cells, selectable=False)
    for at, row in enumerate(shown):
        cells = [(text, _tone(text)) for text in row]
        yield Line(f"row:{heads[0]}:{at}", grid.line("", cells).cells, selectable=False)


def _tone(text: str) -> Tone:
    return Tone.UNKNOWN if text == "unknown" else Tone.WARN if text.startswith("! ") else Tone.PLAIN


def _pair(label: str, command: str, width: int) -> Iterator[Line]:
    """A label before a command that can be copied."""
    head = f"{label + ':':<9} "
    for line in paragraph(label, command, Tone.PLAIN, width, head, " " * len(head)):
        text = line.cells[0].text
        yield Line(line.key, (Cell(text[: len(head)], Tone.DIM), Cell(text[len(head) :])), selectable=False)
