"""Marked rows: which of them are not seen, the one place that shows them all, and the line that says so.

Pure. A mark is a resource's key, never a row's number: sorting and filtering leave it where it is. What is gone
stays marked, and is said to be gone, until it is unmarked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.places import Kind, Mark, Place
from h2o_console.text import clip, pad, safe, width as cells_of

MOST_TOGETHER: Final = 50
"""So many resources are shown on one screen: their names go into one question to each agent."""
_MOST_NAMES: Final = 20


def together(kind: Kind, places: Iterable[Place]) -> Place:
    """The screen of *kind* that shows all of *places* (of one kind, at least one); the same for the same ones."""
    found = list(places)
    first, *rest = sorted({place.key for place in found})
    return Place(kind, first, found[0].kind, tuple(rest))


def marked_line(
    marks: Collection[Mark], shown: Collection[str], there: Collection[str], *, left_out: str, hint: str, width: int
) -> Line:
    """``* 3 marked, 1 hidden by the filter: service/geo, 1 gone: service/old``, exactly *width* cells.

    *shown* are the keys of the rows in the list, *there* those of all rows; *left_out* names what hides the others.
    """
    gone = [mark.name for mark in marks if mark.key not in there]
    hidden = [mark.name for mark in marks if mark.key in there and mark.key not in shown]
    said = f" * {len(marks)} marked"
    said += f", {len(hidden)} hidden by {left_out}: {_named(hidden)}" if hidden else ""
    lost = f", {len(gone)} gone: {_named(gone)}" if gone else ""
    room = width - len(said) - len(lost)
    cells = [Cell(said, Tone.KEY), Cell(lost, Tone.WARN), Cell(f"  {hint}" if len(hint) + 2 <= room else "", Tone.DIM)]
    return Line("", _cut(cells, width), selectable=False)


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return safe(", ".join(names[:_MOST_NAMES]), 2000) + more


def _cut(cells: Iterable[Cell], width: int) -> tuple[Cell, ...]:
    """No wider than the line, and just as wide."""
    found: list[Cell] = []
    for cell in cells:
        shown = clip(cell.text, width)
        found.append(Cell(shown, cell.tone))
        width -= cells_of(shown)
    return (*found, Cell(pad("", width)))
