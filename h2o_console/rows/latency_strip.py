"""How long requests took, as a strip: time to the right, latency upwards, each cell shaded by its share of a column.

Pure. Two humps, a tail, a step are seen where a percentile is one number. All versions are on one scale; a shade
means a share, so it is the same for a version with a tenth of the traffic, and no colour is needed to tell it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import floor, log10
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.change_marks import Marked, axis_lines
from h2o_console.rows.figures import millis
from h2o_console.rows.graphs import Window, slots_of
from h2o_console.rows.sections import plain, title
from h2o_console.text import clip, pad, safe
from h2o_core.histogram import Histogram, middle_ns

if TYPE_CHECKING:
    from h2o_console.rows.past import Series

_SHADES: Final = " ░▒▓█"
_ASCII_SHADES: Final = " .:+#"
_SHARES: Final = (0.01, 0.1, 0.5)
"""From which share of its column on each shade but the first is."""
_GAP: Final = "·"
_LABEL: Final = 18
_NARROW: Final = 60
_LADDERS: Final = ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_LOWEST, _HIGHEST = 0.01, 0.995
"""Quantiles between which the rows are; what is beyond them is in the first and the last."""


def _meanings(*, ascii_only: bool = False) -> str:
    """What the shades mean, in words."""
    _, few, some, many, most = _ASCII_SHADES if ascii_only else _SHADES
    return f"{most} half and more of a column's requests, {many} a tenth, {some} a hundredth, {few} fewer"


@dataclass(frozen=True, slots=True)
class Scale:
    """Rows of latencies between `edges_ms`, ascending: the first holds all that is below, the last all above."""

    edges_ms: tuple[float, ...]

    @staticmethod
    def over(timed: Histogram, rows: int) -> Scale:
        """At most so many rows (two and more) for what was timed, the finest that do."""
        low_ms, high_ms = (max(timed.quantile(q) / 1e6, 1e-6) for q in (_LOWEST, _HIGHEST))
        for ladder in _LADDERS:
            edges = _edges(ladder, low_ms, high_ms)
            if len(edges) <= rows:
                return Scale(edges[1 - rows :])
        return Scale(_edges(_LADDERS[-1], low_ms, high_ms)[1 - rows :])

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(self.edges_ms) + 1

    def row_of(self, value_ms: float) -> int:
        """From the fastest, 0."""
        return bisect_right(self.edges_ms, value_ms)

    def label(self, row: int) -> str:
        """``20-30``; the first ``<20``, the last ``>70``; ms."""
        edges = self.edges_ms
        if row == 0:
            return f"<{millis(edges[0])}"
        if row == len(edges):
            return f">{millis(edges[-1])}"
        return f"{millis(edges[row - 1])}-{millis(edges[row])}"


def _edges(ladder: Sequence[float], low_ms: float, high_ms: float) -> tuple[float, ...]:
    """All round numbers between the two; where there is none, the one below them."""
    found: list[float] = []
    below = 10.0 ** floor(log10(low_ms))
    for power in count(floor(log10(low_ms))):
        for step in ladder:
            edge = step * 10.0**power
            if edge >= high_ms:
                return tuple(found) or (below,)
            if edge > low_ms:
                found.append(edge)
            else:
                below = edge
    return ()  # pragma: no cover - powers of ten have no end


@dataclass(frozen=True, slots=True)
class Timed:
    """One version: what was timed in each column (None: nothing is known of it), and in all of them."""

    columns: tuple[Histogram | None, ...]
    every: Histogram

    @staticmethod
    def of(series: Series, window: Window, cells: int) -> Timed:
        """In so many columns of the window."""
        columns: list[Histogram | None] = []
        every = Histogram()
        for slots in slots_of(window, cells):
            present = [series.slots[at].sketch for at in slots if at in series.slots]
            column = _sum(present) if present else None
            columns.append(column)
            if column is not None:
                every.merge(column)
        return Timed(tuple(columns), every)


def strip_cells(width: int) -> int:
    """Columns of a strip."""
    return max(width - _LABEL - 1, 4)


def scale_of(known: Iterable[Timed], width: int, before: Scale | None) -> Scale | None:
    """One for all versions; *before*, the one until now, is kept while it fits. None: nothing was timed."""
    timed = [one.every for one in known]
    every = _sum(timed)
    if not every.count:
        return None
    rows = 3 if width < _NARROW else max(7 - len(timed), 3)
    fresh = Scale.over(every, rows)
    if before is not None and before.rows in range(fresh.rows, rows + 1) and {*fresh.edges_ms} <= {*before.edges_ms}:
        return before
    return fresh


def strip_lines(
    known: Mapping[str, Timed],
    window: Window,
    width: int,
    scale: Scale,
    marked: Sequence[Marked] = (),
    *,
    ascii_only: bool = False,
) -> Iterator[Line]:
    """Version under version; what is *marked* elsewhere has its sign at the same time here."""
    yield from title(clip(f"LATENCY, ms: {_meanings(ascii_only=ascii_only)}", width), width)
    cells = strip_cells(width)
    for version, one in known.items():
        if not one.every.count:
            continue
        p50, p95 = (millis(one.every.quantile(q) / 1e6) for q in (0.5, 0.95))
        yield plain(f"strip:{version}", f"  {safe(version, 20)}  p50 {p50}, p95 {p95} in this time", Tone.NAME, width)
        named = _quantile_rows(one.every, scale)
        drawn = strip(one.columns, scale, ascii_only=ascii_only)
        for row, text in zip(reversed(range(scale.rows)), drawn, strict=True):
            label = f"{pad(named.get(row, ''), 6, right=True)} {pad(scale.label(row), 9, right=True)}  "
            yield Line(
                f"strip:{version}:{row}", (Cell(label, Tone.DIM), Cell(f"{text} ", Tone.GRAPH)), selectable=False
            )
    here = [
        replace(one, cell=cell) for one in marked if (cell := window.cell_of(one.changes[0].at_s, cells)) is not None
    ]
    yield from axis_lines("strip", here, window, cells, " " * _LABEL, width)


def _sum(histograms: Iterable[Histogram]) -> Histogram:
    made = Histogram()
    for one in histograms:
        made.merge(one)
    return made


def strip(columns: Sequence[Histogram | None], scale: Scale, *, ascii_only: bool = False) -> tuple[str, ...]:
    """A line of text for each row of the scale, the slowest first; a dot on the ground where nothing is known."""
    shade = _ASCII_SHADES if ascii_only else _SHADES
    row_of: dict[int, int] = {}
    grid = [[" "] * len(columns) for _ in range(scale.rows)]
    for at, column in enumerate(columns):
        if column is None:
            grid[0][at] = " " if ascii_only else _GAP
            continue
        counts = [column.zero, *[0] * (scale.rows - 1)]
        for index, many in column.buckets.items():
            if (row := row_of.get(index)) is None:
                row = row_of[index] = scale.row_of(middle_ns(index) / 1e6)
            counts[row] += many
        total = sum(counts)
        for row, many in enumerate(counts):
            if many:
                grid[row][at] = shade[1 + sum(many >= share * total for share in _SHARES)]
    return tuple("".join(row) for row in reversed(grid))


def _quantile_rows(timed: Histogram, scale: Scale) -> Mapping[int, str]:
    """In which rows the median and the 95th percentile are, from the fastest."""
    p50, p95 = (scale.row_of(timed.quantile(q) / 1e6) for q in (0.5, 0.95))
    return {p50: "p50/95"} if p50 == p95 else {p50: "p50", p95: "p95"}
