"""The last minute, from differences of raw counters: outcomes and times in buckets, and requests per second.

Pure: every time is an argument, in seconds of one monotonic clock. A difference belongs to the span between
two readings; readings of different hosts need not be in step, because each brings its own span.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final

from h2o_console.feed.counters import MOST, NO_SKETCH, EndpointCounts, Sketch
from h2o_core.histogram import Histogram

BUCKET_S: Final = 6
"""Longer than the slowest poll (5 s and its jitter), so that every bucket sees a reading."""
BUCKETS: Final = 10
WINDOW_S: Final = BUCKET_S * BUCKETS
PACE_S: Final = 10
"""Requests per second are the mean of the last 10 s."""
_INDEXES: Final = range(-512, 2048)
"""Bucket indexes from 2^-16 ns to 2^64 ns: others would overflow when they become times."""
_WENT_DOWN: Final = "a counter went down"
_NO_NUMBER: Final = "a counter is no number"
Line = tuple[float | None, ...]
"""A value a bucket, oldest first."""
_NOTHING: Final = EndpointCounts("", {}, NO_SKETCH)


class CounterReset(ValueError):
    """A counter went down: what happened in between can't be known."""


@dataclass(slots=True)
class Tally:
    """Outcomes by code, and the sketch of their times."""

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    sketch: Histogram = field(default_factory=Histogram)

    @property
    def requests(self) -> int:
        """All outcomes together."""
        return sum(self.outcomes.values())

    def add(self, other: Tally) -> None:
        """Count *other* in."""
        for code, count in other.outcomes.items():
            self.outcomes[code] = self.outcomes.get(code, 0) + count
        self.sketch.merge(other.sketch)


def difference(earlier: EndpointCounts | None, later: EndpointCounts) -> Tally | None:
    """What was counted after *earlier* (None: since zero); None when nothing was. Raises CounterReset."""
    base = earlier or _NOTHING
    if base.outcomes == later.outcomes:
        return None
    return Tally(_counts_since(base.outcomes, later.outcomes), _sketch_since(base.sketch, later.sketch))


def _counts_since(earlier: Mapping[str, int], later: Mapping[str, int]) -> dict[str, int]:
    more = {code: count - earlier.get(code, 0) for code, count in later.items() if count != earlier.get(code, 0)}
    if (more and min(more.values()) < 0) or not earlier.keys() <= later.keys():
        raise CounterReset(_WENT_DOWN)
    return more


def _sketch_since(earlier: Sketch, later: Sketch) -> Histogram:
    """Only what changed is looked at: in a second that is a few buckets of a hundred."""
    try:
        if earlier.index == later.index:
            triples = zip(later.index, earlier.count, later.count, strict=True)
            more = {index: after - before for index, before, after in triples if before != after}
        else:
            base = dict(zip(earlier.index, earlier.count, strict=True))
            if not base.keys() <= set(later.index):
                raise CounterReset(_WENT_DOWN)
            pairs = zip(later.index, later.count, strict=True)
            more = {index: count - base.get(index, 0) for index, count in pairs if count != base.get(index, 0)}
        delta = Histogram()
        delta.zero, delta.sum_ns = later.zero - earlier.zero, later.sum_ns - earlier.sum_ns
    except TypeError:
        raise CounterReset(_NO_NUMBER) from None
    if delta.zero < 0 or delta.sum_ns < 0 or (more and min(more.values()) < 0):
        raise CounterReset(_WENT_DOWN)
    if not all(type(index) is type(n) is int and index in _INDEXES and n < MOST for index, n in more.items()):
        raise CounterReset(_NO_NUMBER)
    delta.buckets = more
    return delta


class Window:
    """Tallies in buckets of 6 s. Reading merges; adding, which is far more frequent, touches one bucket."""

    __slots__ = ("_buckets", "_closed", "_closed_for")

    def __init__(self) -> None:
        self._buckets: dict[int, Tally] = {}
        self._closed = Tally()
        self._closed_for = -1

    def add(self, at_s: float, tally: Tally) -> None:
        """Count *tally* into the bucket of *at_s*, which is never earlier than the one before."""
        bucket = int(at_s // BUCKET_S)
        if bucket not in self._buckets:
            # One bucket more than the window has is kept, for the line while the newest one has only begun.
            self._buckets = {at: kept for at, kept in self._buckets.items() if at >= bucket - BUCKETS}
            self._buckets[bucket] = Tally()
        self._buckets[bucket].add(tally)

    def total(self, now_s: float) -> Tally:
        """The last 60 s together, as a new tally."""
        newest = int(now_s // BUCKET_S)
        if self._closed_for != newest:
            window = range(newest - BUCKETS + 1, newest)
            self._closed = merged(tally for bucket, tally in self._buckets.items() if bucket in window)
            self._closed_for = newest
        current = self._buckets.get(newest)
        return merged((self._closed,) if current is None else (self._closed, current))

    def outcomes(self, now_s: float) -> Mapping[str, int]:
        """The last 60 s' outcomes alone."""
        oldest = int(now_s // BUCKET_S) - BUCKETS + 1
        counts: dict[str, int] = {}
        for bucket, tally in self._buckets.items():
            if bucket >= oldest:
                for code, count in tally.outcomes.items():
                    counts[code] = counts.get(code, 0) + count
        return counts

    def bucket(self, bucket: int) -> Tally | None:
        """What was counted in one bucket; None when nothing was."""
        return self._buckets.get(bucket)


def quantile(sketch: Histogram, q: float) -> float | None:
    """The *q*-quantile in ns; None when nothing was timed."""
    value = sketch.quantile(q)
    return None if value != value else value  # noqa: PLR0124 - nan is what differs from itself


def quantile_line(windows: Sequence[Window], q: float, now_s: float, known: dict[int, float | None]) -> Line:
    """The *q*-quantile (ns) in each bucket over several windows, oldest first; None where nothing was timed.

    *known* remembers the buckets that are closed, for the next call.
    """
    newest = int(now_s // BUCKET_S)
    last = newest if any(window.bucket(newest) for window in windows) else newest - 1  # not yet a gap: it only began
    wanted = range(last - BUCKETS + 1, last + 1)
    for bucket in [bucket for bucket in known if bucket not in wanted]:
        del known[bucket]
    for bucket in wanted:
        if bucket not in known or bucket == newest:
            tallies = [tally for window in windows if (tally := window.bucket(bucket)) is not None]
            known[bucket] = quantile(merged(tallies).sketch, q) if tallies else None
    line = tuple(known[bucket] for bucket in wanted)
    known.pop(newest, None)
    return line


def merged(tallies: Iterable[Tally]) -> Tally:
    """Their sum, as a new tally."""
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


class Pace:
    """One instance's requests per second: exact over its own readings, whatever their rhythm."""

    __slots__ = ("_buckets", "_recent")

    def __init__(self) -> None:
        self._recent: list[tuple[float, float, int]] = []
        self._buckets: dict[int, tuple[float, float]] = {}

    def add(self, from_s: float, to_s: float, requests: int) -> None:
        """*requests* were counted between the two readings."""
        if to_s <= from_s:
            return
        self._recent = [entry for entry in self._recent if entry[1] > to_s - PACE_S] + [(from_s, to_s, requests)]
        first, last = int(from_s // BUCKET_S), int(to_s // BUCKET_S)
        per_s = requests / (to_s - from_s)
        for bucket in range(max(first, last - BUCKETS), last + 1):
            span_s = min(to_s, (bucket + 1) * BUCKET_S) - max(from_s, bucket * BUCKET_S)
            if span_s <= 0:
                continue
            counted, covered_s = self._buckets.get(bucket, (0.0, 0.0))
            self._buckets[bucket] = (counted + per_s * span_s, covered_s + span_s)
        for bucket in [bucket for bucket in self._buckets if bucket < last - BUCKETS]:
            del self._buckets[bucket]

    def reaches(self, bucket: int) -> bool:
        """Something is known of *bucket*."""
        return bucket in self._buckets

    def per_s(self, now_s: float) -> float | None:
        """Requests per second over the last 10 s; None when no span is known."""
        recent = [entry for entry in self._recent if entry[1] > now_s - PACE_S]
        span_s = sum(to_s - from_s for from_s, to_s, _ in recent)
        return sum(requests for _, _, requests in recent) / span_s if span_s else None

    def line(self, newest: int) -> tuple[float, ...]:
        """Requests per second in each bucket up to *newest*, oldest first; nan where nothing is known."""
        wanted = range(newest - BUCKETS + 1, newest + 1)
        found = (self._buckets.get(bucket, (0.0, 0.0)) for bucket in wanted)
        return tuple(counted / covered_s if covered_s else nan for counted, covered_s in found)


def line_of(paces: Sequence[Pace], now_s: float) -> Line:
    """Several instances' requests per second in each bucket; None only where none of them knows anything."""
    sums: list[float | None] = [None] * BUCKETS
    newest = int(now_s // BUCKET_S)
    if not any(pace.reaches(newest) for pace in paces):  # it has only begun: not yet a gap
        newest -= 1
    for pace in paces:
        for at, value in enumerate(pace.line(newest)):
            if value == value:  # noqa: PLR0124 - nan is what differs from itself
                sums[at] = (sums[at] or 0.0) + value
    return tuple(sums)
