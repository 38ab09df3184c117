"""Sections of a detail screen: a title, lines of text, and small tables that fit the width. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.measured import over_heads
from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.rows.figures import UNKNOWN
from h2o_console.text import clip, pad, safe, width as cells_of

if TYPE_CHECKING:
    from h2o_console.rows.places import Place
    from h2o_console.rows.reasons import Reason


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a small table."""

    head: str
    width: int
    goes: int = 0  # the higher, the sooner it goes; the last column gets the rest
    right: bool = False
    over: str = ""  # over which time it was measured, where the section's title does not say so


@dataclass(frozen=True, slots=True)
class Grid:
    """Columns that fit a width: indexes into the declared ones, and how wide each is."""

    columns: Sequence[Field]
    chosen: tuple[tuple[int, int], ...]
    width: int

    @staticmethod
    def fitting(columns: Sequence[Field], content: Mapping[str, Sequence[str]], width: int) -> Grid:
        """Columns named in *content* are as wide as it (at most 28); those that matter least go first."""
        sized = {
            at: max(column.width, *(min(cells_of(text), 28) for text in content.get(column.head, ("",))))
            for at, column in enumerate(columns)
        }
        while len(sized) > 2 and 2 + sum(sized.values()) + len(sized) > width:
            least = max(sized, key=lambda at: (columns[at].goes, at))
            if columns[least].goes == 0:
                break
            del sized[least]
        last = max(sized)
        sized[last] = max(sized[last] + width - 2 - sum(sized.values()) - len(sized), 0)
        return Grid(columns, tuple(sorted(sized.items())), width)

    def heads(self) -> Iterator[Line]:
        """The line of heads, and over it over which time they were measured, where the title does not say so."""
        if over := over_heads((width, self.columns[at].over) for at, width in self.chosen):
            yield plain(f"over:{self.columns[0].head}", f"  {over}", Tone.HEAD, self.width)
        values = [(column.head, Tone.HEAD) for column in self.columns]
        yield Line(f"heads:{self.columns[0].head}", self.line("", values).cells, selectable=False)

    def line(self, key: str, values: Sequence[tuple[str, Tone]], opens: Place | None = None) -> Line:
        """One line; *values* has one for every declared column. *opens* is where enter goes from it."""
        cells, left = [Cell("  ")], self.width - 2
        for at, width in self.chosen:
            text, tone = values[at]
            shown = Tone.UNKNOWN if text == UNKNOWN else tone
            cells.append(Cell(pad(pad(text, width, right=self.columns[at].right) + " ", min(width + 1, left)), shown))
            left = max(left - width - 1, 0)
        return Line(key, tuple(cells), opens=opens)


def verdict(found: Sequence[Reason], width: int) -> Iterator[Line]:
    """The first lines of a detail: all that is to say against it, the worst first, each in full."""
    if not found:
        yield plain("why:0", f"  {Glyph.FINE.word:<9}nothing to say against it", Tone.GOOD, width)
    for at, reason in enumerate(found):
        for row, part in enumerate(textwrap.wrap(reason.whole, max(width - 12, 10)) or [""]):
            mark = f"{reason.glyph.sign} {reason.glyph.word:<9}" if row == 0 else " " * 11
            cells = (Cell(mark, reason.glyph.tone), Cell(pad(part, max(width - 11, 0)), Tone.PLAIN))
            yield Line(f"why:{at}:{row}", cells, selectable=False)


def pieces(key: str, texts: Iterable[tuple[str, Tone]], width: int) -> Line:
    """One line of *texts*, cut where the width ends."""
    cells: list[Cell] = []
    left = width
    for text, tone in texts:
        cells.append(Cell(clip(text, left), tone))
        left = max(left - cells_of(text), 0)
    return Line(key, tuple(cells), selectable=False)


def facts(key: str, named: Iterable[tuple[str, str, Tone]], width: int) -> Iterator[Line]:
    """``name value`` pairs, as many on a line as fit; what is unknown is a grey dash."""
    rows: list[list[Cell]] = [[]]
    used = 0
    for name, value, tone in named:
        text = value or UNKNOWN
        needed = cells_of(name) + cells_of(text) + 4
        if rows[-1] and used + needed > width:
            rows.append([])
            used = 0
        rows[-1] += [Cell(f"  {name} ", Tone.DIM), Cell(f"{text} ", Tone.UNKNOWN if text == UNKNOWN else tone)]
        used += needed
    for at, cells in enumerate(rows):
        yield pieces(f"{key}:{at}", [(cell.text, cell.tone) for cell in cells], width)


def title(text: str, width: int) -> Iterator[Line]:
    """A blank line, and the section's name."""
    yield Line(f"gap:{text}", (Cell(" " * width),), selectable=False)
    yield plain(f"title:{text}", text, Tone.HEAD, width)


def plain(key: str, text: str, tone: Tone, width: int) -> Line:
    """One line of one tone."""
    return Line(key, (Cell(pad(text, width), tone),), selectable=False)


def outcomes_text(outcomes: Mapping[str, int]) -> str:
    """``OK 1204  TIMEOUT 3``: OK first, then the most frequent."""
    ordered = sorted(outcomes.items(), key=lambda entry: (entry[0] != "OK", -entry[1], entry[0]))
    return "  ".join(f"{safe(code, 24)} {count}" for code, count in ordered) or "no requests"


def known(number: int | None) -> str:
    """A count, or a dash."""
    return UNKNOWN if number is None else str(number)
