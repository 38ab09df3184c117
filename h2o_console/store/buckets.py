"""The last minute in buckets of 6 s: outcomes by code, and sketches of times. Pure.

Adding touches one bucket, the newest. One bucket more than the minute has is kept, for lines of which the newest bucket
has only begun, and for who asks with a clock that is a little behind.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import accumulate
from operator import sub
from typing import Final

from h2o_core.histogram import Histogram

BUCKET_S: Final = 6
"""Longer than the slowest poll (5 s and its jitter), so that every bucket sees a reading."""
BUCKETS: Final = 10
WINDOW_S: Final = BUCKET_S * BUCKETS


def bucket_at(at_s: float) -> int:
    """The number of the bucket that a moment is in."""
    return int(at_s // BUCKET_S)


class Outcomes:
    """Outcomes by code. Their sum is kept until something is added or falls out.

    `_closed`, the sum of all buckets but the newest, moves on with them: of thousands the minute is asked for again
    and again, and a reading has come in between each time.
    """

    __slots__ = ("_buckets", "_closed", "_newest", "_open", "_sum", "_sum_for")

    def __init__(self) -> None:
        self._buckets: dict[int, dict[str, int]] = {}
        self._closed: dict[str, int] = {}
        self._open: dict[str, int] = {}
        self._newest = -1
        self._sum: Mapping[str, int] = {}
        self._sum_for = -1

    def add_outcomes(self, bucket: int, outcomes: Mapping[str, int]) -> None:
        """Count them into *bucket*, which is never earlier than the one before."""
        if bucket != self._newest:
            self._begin(bucket)
        _put(self._open, outcomes)
        self._sum_for = -1

    def _begin(self, bucket: int) -> None:
        buckets = self._buckets
        _put(self._closed, self._open)
        if len(buckets) > BUCKETS:
            for old in [at for at in buckets if at < bucket - BUCKETS]:
                _take(self._closed, buckets.pop(old))
        self._newest, self._open = bucket, {}
        buckets[bucket] = self._open

    def outcomes(self, now_s: float) -> Mapping[str, int]:
        """The last 60 s'; not to be changed."""
        newest = int(now_s // BUCKET_S)
        if self._sum_for != newest:
            self._sum, self._sum_for = self._until(newest), newest
        return self._sum

    def _until(self, newest: int) -> Mapping[str, int]:
        whole, oldest = self._closed.copy(), newest - BUCKETS + 1
        for bucket, outcomes in self._buckets.items():
            if bucket >= oldest or bucket == self._newest:
                break
            _take(whole, outcomes)
        if self._newest >= oldest:
            _put(whole, self._open)
        return whole

    def reaches(self, bucket: int) -> bool:
        """Something was counted in it."""
        return bucket in self._buckets


def _put(whole: dict[str, int], part: Mapping[str, int]) -> None:
    for code, count in part.items():
        whole[code] = whole.get(code, 0) + count


def _take(whole: dict[str, int], part: Mapping[str, int]) -> None:
    for code, count in part.items():
        left = whole[code] - count
        if left:
            whole[code] = left
        else:
            del whole[code]


class Closed:
    """A sketch that nothing is added to any more. A fleet has ten thousands of them: arrays, not dictionaries.

    `_below`: how many durations are in lower buckets than each of `_index`, which ascends, and how many there are.
    """

    __slots__ = ("_below", "_index", "count", "sum_ns")

    def __init__(self, sketch: Histogram) -> None:
        index, counts = sketch.lists()
        # Arrays read lists faster than anything else: a fleet closes some hundred buckets a second.
        self._index, self._below = array("h", index), array("q", [*accumulate(counts, initial=sketch.zero)])
        self.count, self.sum_ns = self._below[-1], sketch.sum_ns

    @property
    def zero(self) -> int:
        """What took no time."""
        return self._below[0]

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        return self._below[bisect_left(self._index, bucket)]

    def by_index(self) -> Iterable[tuple[int, int]]:
        """The count in each bucket that has any."""
        return zip(self._index, map(sub, self._below[1:], self._below), strict=True)

    def sketch(self) -> Histogram:
        """As a new one."""
        sketch = Histogram()
        sketch.zero, sketch.sum_ns, sketch.buckets = self.zero, self.sum_ns, dict(self.by_index())
        return sketch


class Sketches:
    """Sketches. Who asks again for their sum pays for what came and what fell out since."""

    __slots__ = ("_as_closed", "_closed", "_newest", "_open", "_sum")

    def __init__(self) -> None:
        self._newest = -1
        self._open = Histogram()
        self._as_closed: Closed | None = None
        """The open one as it is now, once somebody has asked for it."""
        self._closed: dict[int, Closed] = {}
        self._sum = _MovingSum()

    def add(self, bucket: int, sketch: Histogram) -> None:
        """Count it into *bucket*, which is never earlier than the one before."""
        if bucket != self._newest:
            self._begin(bucket)
        self._open.merge(sketch)
        self._as_closed = None

    def _begin(self, bucket: int) -> None:
        closed = self._closed
        if self._newest >= 0:
            closed[self._newest] = self._close()
        for old in [at for at in closed if at < bucket - BUCKETS]:
            del closed[old]
        self._newest, self._open = bucket, Histogram()

    def _close(self) -> Closed:
        if self._as_closed is None:
            self._as_closed = Closed(self._open)
        return self._as_closed

    def pieces(self, newest: int) -> list[Closed]:
        """Those of the minute that ends with *newest*."""
        oldest = newest - BUCKETS + 1
        found = [closed for at, closed in self._closed.items() if at >= oldest]
        if self._newest >= oldest:
            found.append(self._close())
        return found

    def until(self, newest: int) -> Histogram:
        """Of the minute that ends with *newest*, as a new sketch."""
        oldest = newest - BUCKETS + 1
        whole = Histogram()
        if self._closed:
            whole.buckets = dict(self._sum.over(self._closed, oldest, self._newest))
            for at, closed in self._closed.items():
                if at >= oldest:
                    whole.zero += closed.zero
                    whole.sum_ns += closed.sum_ns
        if self._newest >= oldest:
            whole.merge(self._open)
        return whole

    def at(self, bucket: int) -> Histogram | None:
        """One bucket's; not to be changed."""
        if bucket == self._newest:
            return self._open
        closed = self._closed.get(bucket)
        return None if closed is None else closed.sketch()


class _MovingSum:
    """Counts by index over the closed buckets from one to another."""

    __slots__ = ("_counts", "_end", "_first")

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._first = self._end = 0

    def over(self, closed: Mapping[int, Closed], first: int, end: int) -> Mapping[int, int]:
        """From *first* on; not to be changed. *closed* has none from *end* on, and all since `end - BUCKETS`."""
        first = min(first, end)
        if first < self._first or self._first < end - BUCKETS or self._end <= first or end < self._end:
            self._counts, self._first, self._end = {}, first, first
        for at in range(self._end, end):
            if at in closed:
                self._add(closed[at])
        for at in range(self._first, first):
            if at in closed:
                self._remove(closed[at])
        self._first, self._end = first, end
        return self._counts

    def _add(self, closed: Closed) -> None:
        counts = self._counts
        known = counts.get
        for index, count in closed.by_index():
            counts[index] = known(index, 0) + count

    def _remove(self, closed: Closed) -> None:
        counts = self._counts
        for index, count in closed.by_index():
            left = counts[index] - count
            if left:
                counts[index] = left
            else:
                del counts[index]
