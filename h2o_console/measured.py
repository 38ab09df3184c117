"""Over which time a column was measured: the words that its head says it in, and the line that stands over heads.

Pure. The same words in the console and in the tables of `h2o`: ``last10s``, ``last60s``, ``since start``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from h2o_console.text import width as cells_of

SINCE_START: Final = "since start"
"""Since the broker that counted was started."""


def last(window_s: float) -> str:
    """``last60s``."""
    return f"last{window_s:g}s"


LAST_1S: Final = last(1)
LAST_10S: Final = last(10)
LAST_60S: Final = last(60)


@dataclass(slots=True)
class _Run:
    """Neighbouring columns that were measured over the same time: from which cell to which."""

    over: str
    first: int
    end: int


def over_heads(columns: Iterable[tuple[int, str]], *, gap: int = 1, rule: str = "─") -> str:
    """One line: over each run of columns the time that they were measured over; empty when none was measured.

    *columns* are (cells, over which time), from the left, *gap* blanks between. Where its columns are too narrow a
    word reaches over those to their left that were not measured, else over those to their right.
    """
    runs, end = _runs(columns, gap)
    said = ""
    for at, run in enumerate(runs):
        until = runs[at + 1].first - gap if at + 1 < len(runs) else end
        room = run.end - run.first
        if len(run.over) + 4 <= room:
            said = said.ljust(run.first) + f" {run.over} ".center(room, rule)
            continue
        free = len(said) + gap if said else 0
        first = max(run.end - len(run.over), free)
        word = run.over if first + len(run.over) <= until else run.over.removeprefix("last")
        said = said.ljust(first) + word
    return said


def _runs(columns: Iterable[tuple[int, str]], gap: int) -> tuple[list[_Run], int]:
    """The runs, and the cell after the last column."""
    runs: list[_Run] = []
    at = 0
    before = ""
    for cells, over in columns:
        if over and over == before:
            runs[-1].end = at + cells
        elif over:
            runs.append(_Run(over, at, at + cells))
        before = over
        at += cells + gap
    return runs, at - gap


def headed(head: str, over: str) -> str:
    """The head with its time in it: ``P95 MS last10s``."""
    return f"{head} {over}" if over and cells_of(head) else head
