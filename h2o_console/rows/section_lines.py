"""A section of a page of `h2o` as lines of a screen: the same heads and values, in the console's tones. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.sections import Field as Head, Grid, plain, title
from h2o_console.sections import Colour
from h2o_console.text import pad, safe, width as cells_of

if TYPE_CHECKING:
    from h2o_console.sections import Field, Section

_TONES: Final = {Colour.GOOD: Tone.GOOD, Colour.WARN: Tone.WARN, Colour.BAD: Tone.BAD, Colour.FAINT: Tone.DIM}
_LONGEST: Final = 500


def section_lines(section: Section, width: int) -> Iterator[Line]:
    """Its title and a line for each entry; facts stand below one another, what is unknown is left out."""
    yield from title(safe(section.title, _LONGEST), width)
    if not section.entries:
        yield plain(f"{section.key}:none", f"  {section.empty}", Tone.DIM, width)
    elif section.facts:
        yield from _facts(section, width)
    else:
        yield from _table(section, width)


def _facts(section: Section, width: int) -> Iterator[Line]:
    (entry,) = section.entries
    shown = [(field.head, field.show(entry.get(field.key))) for field in section.fields if not field.wide]
    known = [(head, value) for head, value in shown if value not in {"", "-"}]
    names = max((cells_of(head) for head, _ in known), default=0) + 4
    for head, value in known:
        for at, part in enumerate(wrap(safe(value, _LONGEST), max(width - names - 1, 10))):
            name = Cell(pad(f"  {head}" if at == 0 else "", names), Tone.DIM)
            line = (name, Cell(pad(part, max(width - names, 0))))
            yield Line(f"{section.key}:{head}:{at}", line, selectable=False)


def _table(section: Section, width: int) -> Iterator[Line]:
    """Columns go from the right when it gets narrow, but for the last, which says what to make of it."""
    fields = [field for field in section.fields if not field.wide]
    shown = [[_value(field, entry.get(field.key)) for field in fields] for entry in section.entries]
    last = len(fields) - 1
    heads = [
        Head(field.head, cells_of(field.head), 0 if at in {0, last} else at, right=field.right)
        for at, field in enumerate(fields)
    ]
    if fields[last].right:  # the last one gets the rest, and numbers stay beside the others
        heads[last] = Head(fields[last].head, cells_of(fields[last].head), last, right=True)
        heads.append(Head("", 0))
        shown = [[*row, ("", Tone.PLAIN)] for row in shown]
    content = {field.head: [row[at][0] for row in shown] for at, field in enumerate(fields)}
    grid = Grid.fitting(heads, content, width)
    yield from (replace(line, key=f"{section.key}:{line.key}") for line in grid.heads())
    for at, row in enumerate(shown):
        yield grid.line(f"{section.key}:{at}", row)


def _value(field: Field, value: object) -> tuple[str, Tone]:
    text = safe(field.show(value), _LONGEST)
    colour = field.colours.get(text)
    return text, Tone.PLAIN if colour is None else _TONES[colour]
