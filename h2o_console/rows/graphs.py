"""Graphs made of text: a line of braille dots several rows high, or of ``_-'|`` where there is only ASCII.

Pure. Values stand in slots of equal length, numbered since the epoch; a slot without a value is unknown and stays
empty, it is never drawn as zero. Which slots share a column depends on their numbers alone, so a graph moves to the
left as time goes by and does not shimmer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Final

from h2o_console.rows.figures import ASCII_BLOCKS, BLOCKS, millis, rate

Column = float | None
_BRAILLE: Final = 0x2800
_DOTS: Final = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of a braille cell's left and right column, from the bottom to the top."""
_GAP: Final = "·"
_LATE_SLOTS: Final = 3
"""The newest slot is filled when somebody asks for it: so many may be on their way."""
_LEVELS: Final = "_-'"
_STEPS: Final = (1, 1.5, 2, 3, 5, 7, 10)
_SHRINKS_AT: Final = 0.3
"""A scale becomes smaller when less than this part of it is in use, so that it does not jump about."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that a graph shows: *slots* of *slot_s* seconds up to the one numbered *last*."""

    last: int
    slots: int = 360
    slot_s: float = 10.0

    @staticmethod
    def until(now_s: float, newest: int | None, slots: int = 360, slot_s: float = 10.0) -> Window:
        """Up to now (Unix time); to *newest*, the newest slot with a value, when only what is on its way lacks."""
        ended = int(now_s // slot_s) - 1
        if newest is not None and ended - _LATE_SLOTS <= newest <= ended + 1:
            ended = newest
        return Window(ended, slots, slot_s)

    @property
    def name(self) -> str:
        """``last 60 min, 10 s each``."""
        return f"last {_length(self.slots * self.slot_s)}, {_length(self.slot_s)} each"

    @property
    def since_s(self) -> float:
        """When its first slot begins, Unix time."""
        return (self.last + 1 - self.slots) * self.slot_s

    @property
    def until_s(self) -> float:
        """When its last slot ends."""
        return (self.last + 1) * self.slot_s

    def cell_of(self, at_s: float, cells: int, columns_each: int = 1) -> int | None:
        """The cell, of so many, of which `columns` at that moment are a part; None before the window.

        What has happened since its last slot is in the last cell: that slot ends now.
        """
        if not self.since_s <= at_s:
            return None
        slot, count = min(int(at_s // self.slot_s), self.last), cells * columns_each
        first = self.column(self.last, count) - count + 1
        return max(self.column(slot, count) - first, 0) // columns_each

    def column(self, slot: int, count: int) -> int:
        """The column that a slot is the end of, where the whole window has *count*."""
        return ((slot + 1) * count - 1) // self.slots


def _length(seconds: float) -> str:
    """``10 s``, ``60 min``, ``24 h``, ``7 days``."""
    for unit_s, name, least in ((86_400, "days", 2), (3600, "h", 2), (60, "min", 2)):
        if seconds >= unit_s * least and seconds % unit_s == 0:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:g} s"


def mean(values: Sequence[float]) -> float:
    """How neighbours become one where a column has several: for rates."""
    return sum(values) / len(values)


def slots_of(window: Window, count: int) -> Iterator[range]:
    """The slots of each of *count* columns, the oldest first."""
    newest = window.column(window.last, count)
    for column in range(newest - count + 1, newest + 1):
        first = column * window.slots // count
        after = max(first + 1, (column + 1) * window.slots // count)
        yield range(first, min(after, window.last + 1))


def columns(
    values: Mapping[int, float], window: Window, count: int, fold: Callable[[Sequence[float]], float] = max
) -> tuple[Column, ...]:
    """*count* columns of *window*, oldest first; None where no slot has a value. *fold* makes one of several."""
    known = ([values[slot] for slot in slots if slot in values] for slots in slots_of(window, count))
    return tuple(fold(found) if found else None for found in known)


def ceiling(values: Iterable[Column], before: float = 0.0) -> float:
    """The top of a scale for *values*, a round number; *before*, the one until now, is kept while it does."""
    top = max((value for value in values if value is not None and isfinite(value)), default=0.0)
    if before and _SHRINKS_AT * before <= top <= before:
        return before
    if top <= 0:
        return before or 1.0
    power = 10.0 ** floor(log10(top))
    return next((step * power for step in _STEPS if step * power >= top), 10 * power)


def graph(line: Sequence[Column], rows: int, top: float, *, ascii_only: bool = False) -> tuple[str, ...]:
    """*rows* lines of text from the top, two columns of *line* to a cell (in ASCII: one, of two the larger)."""
    if ascii_only:
        return _drawn_in_ascii(_halved(line), rows, top)
    levels = [_level(value, rows * 4, top) for value in line]
    grid = [[0] * ((len(line) + 1) // 2) for _ in range(rows)]
    for at, level in enumerate(levels):
        if level is None:
            continue
        for dot in _joined(levels[at - 1] if at else None, level):
            grid[rows - 1 - dot // 4][at // 2] |= _DOTS[at % 2][dot % 4]
    drawn = ["".join(chr(_BRAILLE + cell) if cell else " " for cell in row) for row in grid]
    drawn[-1] = _with_gaps(drawn[-1], levels)
    return tuple(drawn)


def spark(line: Sequence[Column], top: float, *, ascii_only: bool = False) -> str:
    """One row of blocks on a scale up to *top*, a column of *line* each; unknown is a dot (in ASCII: a blank)."""
    blocks, gap = (ASCII_BLOCKS, " ") if ascii_only else (BLOCKS, _GAP)
    levels = (_level(value, 8, top) for value in line)
    return "".join(gap if level is None else blocks[level] for level in levels)


def _level(value: Column, levels: int, top: float) -> int | None:
    """0 for zero; whatever is more than zero is above it only when it is a level's worth."""
    if value is None or not isfinite(value):
        return None
    return min(levels - 1, max(0, round(value / top * (levels - 1))))


def _joined(before: int | None, level: int) -> range:
    """The dots of a column: its own, and those that join it with the column before."""
    if before is None or before == level:
        return range(level, level + 1)
    return range(before + 1, level + 1) if before < level else range(level, before)


def _with_gaps(row: str, levels: Sequence[int | None]) -> str:
    """A cell of which nothing at all is known has a dot, so that it is not taken for an empty sky."""
    unknown = (all(level is None for level in levels[2 * at : 2 * at + 2]) for at in range(len(row)))
    return "".join(_GAP if gap else char for char, gap in zip(row, unknown, strict=True))


def _halved(line: Sequence[Column]) -> list[Column]:
    pairs = (line[at : at + 2] for at in range(0, len(line), 2))
    return [max((value for value in pair if value is not None), default=None) for pair in pairs]


def _drawn_in_ascii(line: Sequence[Column], rows: int, top: float) -> tuple[str, ...]:
    steps = len(_LEVELS)
    levels = [_level(value, rows * steps, top) for value in line]
    grid = [[" "] * len(line) for _ in range(rows)]
    for at, level in enumerate(levels):
        if level is None:
            continue
        before = levels[at - 1] if at else None
        for dot in _joined(before, level):
            if dot // steps != level // steps:
                grid[rows - 1 - dot // steps][at] = "|"
        grid[rows - 1 - level // steps][at] = _LEVELS[level % steps]
    return tuple("".join(row) for row in grid)


@dataclass(frozen=True, slots=True)
class Unit:
    """What is measured: its name in a title, and how a number of it is written in at most five cells."""

    name: str
    write: Callable[[float], str]


def _percent(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 or value == round(value) else f"{value:.2g}"


REQUESTS: Final = Unit("req/s", rate)
MILLIS: Final = Unit("ms", millis)
PERCENT: Final = Unit("%", _percent)
