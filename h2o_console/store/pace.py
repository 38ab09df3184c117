"""Requests per second, from how many were counted between two readings. Pure: seconds of one monotonic clock.

A difference belongs to the span between two readings; readings of different hosts need not be in step, because each
brings its own span.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from h2o_console.store.buckets import BUCKET_S, BUCKETS, bucket_at

PACE_S: Final = 10
"""Requests per second are the mean of the last 10 s."""
_SETTLED: Final = 3
"""From so many buckets ago on, no host's reading is missing any more that will still come."""
_NOTHING: Final = 0.0, 0.0
Line = tuple[float | None, ...]
"""A value a bucket, oldest first."""


class Between:
    """The time between two readings, and how much of it (s) is in which buckets: the same for all of a host."""

    __slots__ = ("length_s", "parts", "to_s")

    def __init__(self, from_s: float, to_s: float) -> None:
        self.to_s, self.length_s = to_s, max(to_s - from_s, 0.0)
        first, last = bucket_at(from_s), bucket_at(to_s)
        spans = (
            (bucket, min(to_s, (bucket + 1) * BUCKET_S) - max(from_s, bucket * BUCKET_S))
            for bucket in range(max(first, last - BUCKETS), last + 1)
        )
        self.parts = tuple((bucket, span_s) for bucket, span_s in spans if span_s > 0)


class Pace:
    """One instance's requests per second: exact over its own readings, whatever their rhythm."""

    __slots__ = ("_recent", "buckets")

    def __init__(self) -> None:
        self._recent: list[tuple[Between, int]] = []
        self.buckets: dict[int, tuple[float, float]] = {}
        """Bucket → (requests, seconds of it that are known)."""

    def add(self, between: Between, requests: int) -> None:
        """*requests* were counted between the two readings."""
        if not between.length_s:
            return
        recent, since_s = self._recent, between.to_s - PACE_S
        while recent and recent[0][0].to_s <= since_s:
            del recent[0]
        recent.append((between, requests))
        per_s = requests / between.length_s
        buckets = self.buckets
        for bucket, span_s in between.parts:
            counted, covered_s = buckets.get(bucket, _NOTHING)
            buckets[bucket] = counted + per_s * span_s, covered_s + span_s
        if len(buckets) > BUCKETS + 1:
            last = max(buckets)
            for bucket in [bucket for bucket in buckets if bucket < last - BUCKETS]:
                del buckets[bucket]

    def reaches(self, bucket: int) -> bool:
        """Something is known of *bucket*."""
        return bucket in self.buckets

    def per_s(self, now_s: float) -> float | None:
        """Requests per second over the last 10 s; None when no span is known."""
        since_s, span_s, requests = now_s - PACE_S, 0.0, 0
        for between, counted in self._recent:
            if between.to_s > since_s:
                span_s += between.length_s
                requests += counted
        return requests / span_s if span_s else None


def line_of(paces: Sequence[Pace], now_s: float, known: dict[int, float | None] | None = None) -> Line:
    """Several instances' requests per second in each bucket; None only where none of them knows anything.

    *known* remembers the buckets of which all readings are in, for the next call.
    """
    newest = bucket_at(now_s)
    last = newest if any(pace.reaches(newest) for pace in paces) else newest - 1  # it has only begun: not yet a gap
    wanted = range(last - BUCKETS + 1, last + 1)
    settled = {} if known is None else known
    for bucket in [bucket for bucket in settled if bucket not in wanted]:
        del settled[bucket]
    line: list[float | None] = []
    for bucket in wanted:
        if bucket in settled:
            line.append(settled[bucket])
            continue
        line.append(_sum_in(bucket, paces))
        if bucket <= newest - _SETTLED and line[-1] is not None:
            settled[bucket] = line[-1]
    return tuple(line)


def _sum_in(bucket: int, paces: Iterable[Pace]) -> float | None:
    """Of several in one bucket; None where none of them knows anything."""
    # Without a call for each: a package has a hundred, and some buckets of each are summed up each time it is shown.
    spans = [span for pace in paces if (span := pace.buckets.get(bucket)) is not None]
    return sum([counted / covered_s for counted, covered_s in spans]) if spans else None
