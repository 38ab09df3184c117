"""Control changes as marks on a time axis, so that "what changed at 14:02?" is answered on the graph itself.

Pure. Changes that share a cell of the axis share a sign; the lines below tell each of them, the newest first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.sections import plain
from h2o_console.text import pad, safe
from h2o_core.names import dotted, from_operator
from h2o_core.plan.situation import HOSTS, SETTINGS, TRAFFICS
from h2o_core.times import clock

if TYPE_CHECKING:
    from h2o_console.rows.graphs import Window
    from h2o_core.audit import Entry

_SIGNS: Final = "123456789abcdefghijklmnopqrstuvwxyz"
_MOST_LINES: Final = 6
_LONGEST: Final = 300
_LATEST_S: Final = 1e11
"""What claims to be later has been written by nobody."""


@dataclass(frozen=True, slots=True)
class Change:
    """One control change: when (Unix time), who, what in one sentence, and its id in the journal."""

    at_s: float
    who: str
    what: str
    id: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Those that are about something, the newest first. `since_s`: what was before is not known (Unix time)."""

    made: tuple[Change, ...] = ()
    since_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Marked:
    """A cell of the axis, from the left, and the changes that are marked there with *sign*."""

    cell: int
    sign: str
    changes: tuple[Change, ...]


def changes_about(
    entries: Sequence[Entry], package: str = "", hosts: Iterable[str] = (), *, more: bool = False
) -> Changes:
    """Of *entries* (the newest first) those that write what is decided of *package*, *hosts*, or the whole fleet.

    *more*: there are older ones.
    """
    paths = {SETTINGS, *(f"{HOSTS}{host}" for host in hosts)}
    if package:
        paths.add(f"{TRAFFICS}{dotted(from_operator(package))}")
    sound = [entry for entry in entries if 0 <= entry.at_s < _LATEST_S]
    about = (entry for entry in sound if any(edit.path in paths for edit in entry.edits))
    made = tuple(
        Change(entry.at_s, safe(entry.author.actor, 40) or "?", _what(entry), entry.change_id) for entry in about
    )
    return Changes(made, sound[-1].at_s if sound and more else 0.0)


def _what(entry: Entry) -> str:
    """As its plan said; of an entry without one, which documents it wrote."""
    said = entry.sentence or ", ".join(
        f"{'deletes' if edit.after is None else 'writes'} {edit.path}" for edit in entry.edits
    )
    forced = "forced: " if entry.forced else ""
    reason = f" ({entry.author.reason})" if entry.author.reason else ""
    return safe(f"{forced}{said}{reason}", _LONGEST)


def placed(changes: Changes, window: Window, cells: int, columns_each: int) -> tuple[Marked, ...]:
    """Where they stand on an axis of so many cells, the newest first; what is older than the window is not there."""
    at: dict[int, list[Change]] = {}
    for change in changes.made:
        if (cell := window.cell_of(change.at_s, cells, columns_each)) is not None:
            at.setdefault(cell, []).append(change)
    marked = sorted(at.items(), reverse=True)
    return tuple(Marked(cell, sign, tuple(made)) for (cell, made), sign in zip(marked, _SIGNS, strict=False))


def on_axis(marked: Iterable[Marked], cells: int) -> str:
    """The signs, each below its cell; of several that fall on one cell the newest."""
    row = [" "] * cells
    for one in reversed([*marked]):
        row[one.cell] = one.sign
    return "".join(row)


def axis_lines(
    key: str, marked: Sequence[Marked], window: Window, cells: int, indent: str, room: int, times: int = 1
) -> Iterator[Line]:
    """Below graphs of *cells*, *times* side by side: the signs, if there are any, and from when until when it goes."""
    if marked:
        signs = pad(indent + on_axis(marked, cells), room)
        yield Line(f"marks:{key}", (Cell(signs * times, Tone.KEY),), selectable=False)
    since, until = clock(window.since_s, window.until_s), f"{clock(window.until_s, window.until_s)} UTC"
    said = f"{since}{until.rjust(cells - len(since))}" if cells > len(since) + len(until) else until.rjust(cells)
    yield Line(f"axis:{key}", (Cell(pad(indent + said, room) * times, Tone.DIM),), selectable=False)


def with_lines(text: str, marked: Mapping[int, object], tone: Tone, *, ascii_only: bool = False) -> Iterator[Cell]:
    """A row of a graph, with a dotted line down through the cells that are marked and hold nothing."""
    rule, begun = ":" if ascii_only else "┊", 0
    for at in sorted(marked):
        if text[at] == " ":
            yield Cell(text[begun:at], tone)
            yield Cell(rule, Tone.NOTE)
            begun = at + 1
    yield Cell(text[begun:], tone)


def legend(
    changes: Changes | None, marked: Sequence[Marked], window: Window, width: int, now_s: float
) -> Iterator[Line]:
    """A line a change, the newest first; that there is none, or that nobody told, is said as well."""
    if changes is None:
        yield plain(
            "changes:unknown", "  changes are not marked: no agent has told what was decided", Tone.UNKNOWN, width
        )
        return
    told = [(one.sign, change) for one in marked for change in one.changes]
    for sign, change in told[:_MOST_LINES]:
        when = clock(change.at_s, now_s)
        room = max(width - len(when) - 5, 0)
        cells = (
            Cell(f"  {sign} ", Tone.KEY),
            Cell(f"{when} ", Tone.DIM),
            Cell(pad(f"{change.who}: {change.what}", room), Tone.PLAIN),
        )
        yield Line(f"change:{change.id}", cells, opens=Place(Kind.ENTRY, change.id))
    if (more := len(told) - _MOST_LINES) > 0:
        yield plain("changes:more", f"  and {more} before these", Tone.DIM, width)
    if not told:
        yield plain("changes:none", f"  no control change in the {window.name.partition(',')[0]}", Tone.DIM, width)
    if changes.since_s > window.since_s:
        when = clock(changes.since_s, now_s)
        yield plain("changes:before", f"  what was changed before {when} is not known here", Tone.UNKNOWN, width)
