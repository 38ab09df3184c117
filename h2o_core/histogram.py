"""A mergeable sketch of durations: a base-2 exponential histogram, schema 5 (OpenTelemetry's).

Bucket *i* holds values in (2^(i/32), 2^((i+1)/32)]; a bucket's geometric middle is wrong by at most
1.1 %. Two sketches of the same schema merge by adding their counts, whatever the order.
"""

from __future__ import annotations

from math import ceil, log2, nan
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUCKETS_PER_OCTAVE: Final = 32


class Histogram:
    """Counts of durations in nanoseconds; `buckets` maps a bucket's index to its count."""

    __slots__ = ("buckets", "sum_ns", "zero")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.zero = 0
        self.sum_ns = 0

    def record(self, value_ns: int) -> None:
        """Count one duration (ns); what is ≤ 1 is counted as zero."""
        if value_ns <= 1:
            self.zero += 1
            return
        self.sum_ns += value_ns
        buckets = self.buckets
        index = int(log2(value_ns) * BUCKETS_PER_OCTAVE)  # bucket_of, which a call would make slower by a third
        buckets[index] = buckets.get(index, 0) + 1

    @property
    def count(self) -> int:
        """Durations recorded."""
        return self.zero + sum(self.buckets.values())

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        count = self.zero
        for at, more in self.buckets.items():
            if at < bucket:
                count += more
        return count

    def merge(self, other: Histogram) -> None:
        """Add *other*'s counts to this one's."""
        self.zero += other.zero
        self.sum_ns += other.sum_ns
        if not self.buckets:
            self.buckets.update(other.buckets)
            return
        buckets = self.buckets
        known = buckets.get
        for index, count in other.buckets.items():
            buckets[index] = known(index, 0) + count

    def since(self, earlier: Histogram) -> Histogram:
        """What was recorded after *earlier*, an older state of the same sketch.

        Raises ValueError when *earlier* is no older state of it (the counter was reset in between).
        """
        delta = Histogram()
        delta.zero = self.zero - earlier.zero
        delta.sum_ns = self.sum_ns - earlier.sum_ns
        for index, count in self.buckets.items():
            more = count - earlier.buckets.get(index, 0)
            if more:
                delta.buckets[index] = more
        if delta.zero < 0 or delta.sum_ns < 0 or min(delta.buckets.values(), default=0) < 0:
            msg = "the earlier sketch has counts that the later one lacks"
            raise ValueError(msg)
        if earlier.buckets.keys() - self.buckets.keys():
            msg = "the earlier sketch has buckets that the later one lacks"
            raise ValueError(msg)
        return delta

    def quantile(self, q: float) -> float:
        """The *q*-quantile (0…1) in ns, within 1.1 %; nan when nothing was recorded."""
        total = self.count
        if not total:
            return nan
        rank = max(1, ceil(q * total))
        if rank <= self.zero:
            return 0.0
        seen = self.zero
        for index in sorted(self.buckets):
            seen += self.buckets[index]
            if seen >= rank:
                return middle_ns(index)
        return nan

    def lists(self) -> tuple[list[int], list[int]]:
        """(indexes ascending, their counts), as the wire and JSON carry them."""
        indexes = sorted(self.buckets)
        return indexes, [self.buckets[index] for index in indexes]

    @classmethod
    def from_lists(cls, index: Sequence[int], count: Iterable[int], zero: int = 0, sum_ns: int = 0) -> Histogram:
        """The reverse of `lists`; raises ValueError when the two differ in length."""
        histogram = cls()
        histogram.buckets = dict(zip(index, count, strict=True))
        histogram.zero = zero
        histogram.sum_ns = sum_ns
        return histogram


def bucket_of(value_ns: int) -> int:
    """The index of the bucket that a duration (ns) is counted in; 0 of what is counted as zero."""
    # ceil(x) - 1 by truncation: x > 0 here, and a float that lands on an edge is within its error anyway.
    return int(log2(value_ns) * BUCKETS_PER_OCTAVE) if value_ns > 1 else 0


def middle_ns(index: int) -> float:
    """The geometric middle of a bucket, ns."""
    return _MIDDLES_NS[index] if 0 <= index < _MIDDLES else 2.0 ** ((index + 0.5) / BUCKETS_PER_OCTAVE)


_MIDDLES: Final = 64 * BUCKETS_PER_OCTAVE
_MIDDLES_NS: Final = tuple(2.0 ** ((index + 0.5) / BUCKETS_PER_OCTAVE) for index in range(_MIDDLES))
"""Who compares many sketches asks a million times a minute."""
