"""A sketch's durations by their rank, from the shortest on; also of what is left of it without a part. Pure."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from h2o_core.histogram import middle_ns

if TYPE_CHECKING:
    from h2o_core.histogram import Histogram
    from h2o_core.insights.pieces import Timed


class Ranked:
    """Ranks count from 1; what is beyond the last is the longest."""

    __slots__ = ("_index", "_up_to")

    def __init__(self, times: Histogram) -> None:
        self._index = sorted(times.buckets)
        self._up_to = [*accumulate(map(times.buckets.__getitem__, self._index), initial=times.zero)]

    @property
    def count(self) -> int:
        """Durations recorded."""
        return self._up_to[-1]

    def at(self, rank: int) -> float:
        """The duration (ns) at this rank."""
        return self._ns(bisect_left(self._up_to, rank, 0, len(self._index)))

    def at_without(self, rank: int, part: Timed) -> float:
        """The same of all but *part*, which is part of it: without taking it away, which costs ten times as much."""
        index, up_to = self._index, self._up_to

        def left(place: int) -> int:
            return up_to[place] - part.below(index[place - 1] + 1 if place else index[0])

        return self._ns(bisect_left(range(len(index)), rank, key=left)) if index else 0.0

    def _ns(self, place: int) -> float:
        return middle_ns(self._index[place - 1]) if place else 0.0
