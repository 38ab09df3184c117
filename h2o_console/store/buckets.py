"""Buckets that nothing is added to any more, and the sum of the last ones as it moves on. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from h2o_core.histogram import Histogram

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Closed:
    """What was counted in one. A fleet has a hundred thousand of them: arrays, not dictionaries."""

    outcomes: tuple[tuple[str, int], ...]
    index: array[int]
    count: array[int]
    zero: int
    sum_ns: int

    @staticmethod
    def of(outcomes: Mapping[str, int], sketch: Histogram) -> Closed:
        """Both as they are now."""
        # Arrays read lists faster than anything else: a fleet closes some hundred buckets a second.
        index, count = array("h", [*sketch.buckets]), array("q", [*sketch.buckets.values()])
        return Closed(tuple(outcomes.items()), index, count, sketch.zero, sketch.sum_ns)

    def by_code(self) -> Iterable[tuple[str, int]]:
        """Outcomes."""
        return self.outcomes

    def by_index(self) -> Iterable[tuple[int, int]]:
        """The sketch's buckets."""
        return zip(self.index, self.count, strict=True)

    def sketch(self) -> Histogram:
        """Its times, as a new sketch."""
        return Histogram.from_lists(self.index, self.count, self.zero, self.sum_ns)


class MovingSum(Generic[K]):
    """Counts by key over the buckets from one to another. Who asks again pays for what came and what fell out."""

    __slots__ = ("_counts", "_end", "_first", "_of")

    def __init__(self, of: Callable[[Closed], Iterable[tuple[K, int]]]) -> None:
        """*of*: a bucket's counts by key."""
        self._of = of
        self._counts: dict[K, int] = {}
        self._first = self._end = 0

    def over(self, buckets: Mapping[int, Closed], first: int, end: int, kept: int) -> Mapping[K, int]:
        """From *first* up to *end* without it, of *buckets* by number; not to be changed.

        *buckets* has all that were filled from *kept* on, and none from *end* on.
        """
        first = min(first, end)
        if first < self._first or self._first < kept or self._end <= first or end < self._end:
            self._counts, self._first, self._end = {}, first, first
        for at in range(self._end, end):
            if at in buckets:
                self._add(buckets[at])
        for at in range(self._first, first):
            if at in buckets:
                self._remove(buckets[at])
        self._first, self._end = first, end
        return self._counts

    def _add(self, bucket: Closed) -> None:
        counts = self._counts
        known = counts.get
        for key, count in self._of(bucket):
            counts[key] = known(key, 0) + count

    def _remove(self, bucket: Closed) -> None:
        counts = self._counts
        for key, count in self._of(bucket):
            left = counts[key] - count
            if left:
                counts[key] = left
            else:
                del counts[key]
