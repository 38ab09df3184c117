"""The last minute, from differences of raw counters: outcomes and times in buckets, and requests per second.

Pure: every time is an argument, in seconds of one monotonic clock. A difference belongs to the span between
two readings; readings of different hosts need not be in step, because each brings its own span.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Final

from h2o_console.counters import EndpointCounts
from h2o_core.histogram import Histogram

BUCKET_S: Final = 6
"""Longer than the slowest poll (5 s and its jitter), so that every bucket sees a reading."""
BUCKETS: Final = 10
WINDOW_S: Final = BUCKET_S * BUCKETS
PACE_S: Final = 10
"""Requests per second are the mean of the last 10 s."""
_NOTHING: Final = EndpointCounts("", {}, Histogram())


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

    def take(self, other: Tally) -> None:
        """Count *other*, which was counted in before, out."""
        for code, count in other.outcomes.items():
            left = self.outcomes[code] - count
            if left:
                self.outcomes[code] = left
            else:
                del self.outcomes[code]
        self.sketch = self.sketch.since(other.sketch)


def difference(earlier: EndpointCounts | None, later: EndpointCounts) -> Tally | None:
    """What was counted after *earlier* (None: since zero); None when nothing was. Raises CounterReset."""
    base = earlier or _NOTHING
    if base.outcomes == later.outcomes:
        return None
    return Tally(_counts_since(base.outcomes, later.outcomes), _sketch_since(base.sketch, later.sketch))


def _counts_since(earlier: Mapping[str, int], later: Mapping[str, int]) -> dict[str, int]:
    more = {code: count - earlier.get(code, 0) for code, count in later.items() if count != earlier.get(code, 0)}
    if any(count < 0 for count in more.values()) or earlier.keys() - later.keys():
        msg = "an outcome's counter went down"
        raise CounterReset(msg)
    return more


def _sketch_since(earlier: Histogram, later: Histogram) -> Histogram:
    try:
        return later.since(earlier)
    except ValueError as error:
        raise CounterReset(str(error)) from None


class Window:
    """Tallies of the last 60 s in buckets of 6 s, and their sum; one bucket more is kept for the line."""

    __slots__ = ("_buckets", "_counted_from", "total")

    def __init__(self) -> None:
        self._buckets: dict[int, Tally] = {}
        self._counted_from = 0
        self.total = Tally()

    def add(self, at_s: float, tally: Tally) -> None:
        """Count *tally* into the bucket of *at_s*; what is older than the window is not counted."""
        bucket = int(at_s // BUCKET_S)
        if bucket < self._counted_from:
            return
        self._buckets.setdefault(bucket, Tally()).add(tally)
        self.total.add(tally)

    def roll(self, now_s: float) -> bool:
        """Drop what is older than the window; True when something was."""
        oldest = int(now_s // BUCKET_S) - BUCKETS + 1
        gone = [bucket for bucket in self._buckets if self._counted_from <= bucket < oldest]
        for bucket in gone:
            self.total.take(self._buckets[bucket])
        self._counted_from = max(oldest, self._counted_from)
        for bucket in [bucket for bucket in self._buckets if bucket < oldest - 1]:
            del self._buckets[bucket]
        return bool(gone)

    def quantiles(self, q: float, now_s: float) -> tuple[float | None, ...]:
        """The *q*-quantile (ns) of each bucket, oldest first; None where nothing was timed."""
        newest = int(now_s // BUCKET_S)
        if newest not in self._buckets:  # it has only begun: not yet a gap
            newest -= 1
        return tuple(self._quantile(bucket, q) for bucket in range(newest - BUCKETS + 1, newest + 1))

    def _quantile(self, bucket: int, q: float) -> float | None:
        tally = self._buckets.get(bucket)
        return quantile(tally.sketch, q) if tally else None


def quantile(sketch: Histogram, q: float) -> float | None:
    """The *q*-quantile in ns; None when nothing was timed."""
    value = sketch.quantile(q)
    return None if value != value else value  # noqa: PLR0124 - nan is what differs from itself


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


def line_of(paces: Sequence[Pace], now_s: float) -> tuple[float | None, ...]:
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
