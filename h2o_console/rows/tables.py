"""Tables: columns with a priority each, laid out for a width, and rows as lines of cells.

Pure. A column says from which width on it is there, and in which order columns go when what is left for the
sentence that is acted on would be too little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from h2o_console.measured import over_heads
from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN
from h2o_console.text import pad, width as cells_of

NARROW: Final = 60
"""Under so many columns only glyph, name, ERR% and WHY stay."""


class Row(Protocol):
    """A line of a list as a value: two equal rows paint the same line."""

    @property
    def key(self) -> str:
        """The resource's true name."""
        ...

    @property
    def name(self) -> str:
        """What is safe to show of it."""
        ...

    @property
    def glyph(self) -> Glyph:
        """How it does."""
        ...

    @property
    def found_by(self) -> str:
        """What the filter looks at."""
        ...

    @property
    def ages(self) -> bool:
        """It says how long something has been so, and has to be made again as time goes by."""
        ...


R = TypeVar("R", bound=Row)
Shown = tuple[str, Tone]
SortKey = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Canvas:
    """What a cell is drawn on."""

    width: int
    ascii_only: bool = False


@dataclass(frozen=True)
class Column(Generic[R]):
    """One column. `show` draws a row's cell; `means` is its line in the help.

    `goes`: the higher, the sooner it goes when it gets narrow (0: it stays). `least`: it is there from this width of
    the terminal on. `grows`: how wide its longest text may make it, by the width of the terminal; `fills`: it is
    always as wide as that. `wide`: it is there only when asked for. `by` makes it sortable under its `sort` name, in
    the order people want: the most, the worst first. `over`: over which time it was measured, in the words of
    `h2o_console.measured`; they stand over its head.
    """

    head: str
    show: Callable[[R, Canvas], Shown]
    width: int
    means: str = ""
    right: bool = False
    goes: int = 0
    least: int = 0
    grows: Callable[[int], int] | None = None
    fills: bool = False
    wide: bool = False
    sort: str = ""
    by: Callable[[R], SortKey] | None = None
    ascending: bool = False
    short: str = ""
    over: str = ""

    def title(self, width: int) -> str:
        """Its head, the short one where the whole does not fit."""
        return self.short if self.short and cells_of(self.head) > width else self.head


def name_column(
    head: str, show: Callable[[R], Shown], means: str = "", by: Callable[[R], SortKey] | None = None
) -> Column[R]:
    """The column that names the resource: as wide as its longest, up to a third of the screen."""
    return Column(
        head,
        lambda row, _: show(row),
        7,
        means,
        grows=lambda width: width * 3 // 10 if width >= NARROW else width * 2 // 5,
        sort="name",
        by=by or (lambda row: (row.name,)),
        ascending=True,
    )


def most(value: float | None) -> float:
    """The sort key by which the most is on top, and what is unknown below everything that is known."""
    return -value if value is not None else 1.0


def glyph_column() -> Column[Any]:
    """The sign in front; its word is in the last column or the pane below."""
    return Column("", lambda row, _: (row.glyph.sign, row.glyph.tone), 1)


@dataclass(frozen=True)
class Table(Generic[R]):
    """Columns from the left. `worst` is the order of its own, called `order`.

    `rest`: which column gets what is left, counted from the end as Python does.
    """

    columns: Sequence[Column[R]]
    worst: Callable[[R], SortKey]
    order: str = "trouble"
    rest: int = -1

    @property
    def sorts(self) -> Mapping[str, Callable[[R], SortKey]]:
        """Everything the list can be sorted by, by name."""
        by = {column.sort: column.by for column in self.columns if column.by is not None}
        return {self.order: self.worst, **by}

    def longest(self, rows: Iterable[R]) -> tuple[int, ...]:
        """For each growing column the cells that its longest text takes, for the others 0."""
        canvas = Canvas(200)
        found = [0] * len(self.columns)
        growing = [(at, column) for at, column in enumerate(self.columns) if column.grows and not column.fills]
        for row in rows:
            for at, column in growing:
                found[at] = max(found[at], cells_of(column.show(row, canvas)[0]))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Placed(Generic[R]):
    """A column that is there, and how wide it is."""

    column: Column[R]
    width: int


Layout = tuple[Placed[R], ...]


def layout(table: Table[R], width: int, longest: Sequence[int] = (), *, wide: bool = False) -> Layout[R]:
    """The columns for *width* cells. *wide*: all that there is room for, the one with the rest gets less."""
    rest = table.columns[table.rest]
    there = [
        (column, _width(column, width, longest[at] if longest else 0, wide=wide))
        for at, column in enumerate(table.columns)
        if column is rest or ((width >= column.least or (wide and width >= NARROW)) and (wide or not column.wide))
    ]
    fields = [entry for entry in there if entry[0] is not rest]
    least = 14 if wide or width < NARROW else max(20, min(width // 5, 40))
    while width - _total(fields) < least:
        going = max(fields, key=lambda entry: entry[0].goes)
        if not going[0].goes:
            break
        fields.remove(going)
    left = max(width - _total(fields), 0)
    shown = [(column, left if column is rest else cells) for column, cells in there]
    return tuple(Placed(*entry) for entry in shown if entry in fields or (entry[0] is rest and left))


def column_at(columns: Layout[R], x: int) -> Column[R] | None:
    """The column at cell *x*; the blank after one is part of it."""
    end = 0
    for placed in columns:
        end += placed.width + 1
        if x < end:
            return placed.column
    return None


def _width(column: Column[R], width: int, longest: int, *, wide: bool) -> int:
    if column.grows is None:
        return column.width
    if column.fills:
        return column.grows(width)
    return max(column.width, min(longest, max(column.grows(width), width // 2) if wide else column.grows(width)))


def _total(fields: Sequence[tuple[Column[R], int]]) -> int:
    """Every column is followed by one blank."""
    return sum(cells + 1 for _, cells in fields)


MARKED: Final = "*"


def row_line(row: R, columns: Layout[R], *, ascii_only: bool = False, marked: bool = False) -> Line:
    """The row's cells, each exactly as wide as its column, a blank between; a marked row's first blank is a star."""
    cells: list[Cell] = []
    for placed in columns:
        text, tone = placed.column.show(row, Canvas(placed.width, ascii_only))
        shown = Tone.UNKNOWN if text == UNKNOWN else tone
        cells.append(Cell(pad(text, placed.width, right=placed.column.right) + " ", shown))
    if marked and cells:
        first, *rest = cells
        cells = [Cell(first.text[:-1], first.tone), Cell(MARKED, Tone.KEY), *rest]
    return Line(row.key, tuple(cells))


def head_lines(columns: Layout[R], sort: str = "", *, reverse: bool = False) -> tuple[Line, ...]:
    """The heads, and over them over which time the columns were measured."""
    width = sum(placed.width + 1 for placed in columns) - 1
    over = over_heads((placed.width, placed.column.over) for placed in columns)
    heads = head_line(columns, sort, reverse=reverse)
    return (Line("", (Cell(pad(over, width), Tone.HEAD),), selectable=False), heads) if over else (heads,)


def head_line(columns: Layout[R], sort: str = "", *, reverse: bool = False) -> Line:
    """The heads; the one that the list is sorted by has an arrow and stands out."""
    cells: list[Cell] = []
    for placed in columns:
        column, width = placed.column, placed.width
        head, tone = column.title(width), Tone.HEAD
        if sort and column.sort == sort:
            arrow = "^" if column.ascending != reverse else "v"
            head, tone = f"{head}{arrow}" if cells_of(head) < width else head, Tone.KEY
        cells.append(Cell(pad(head, width, right=column.right) + " ", tone))
    return Line("", tuple(cells), selectable=False)
