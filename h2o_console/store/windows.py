"""The last minute, from differences of raw counters: outcomes and times in buckets, and requests per second.

Pure: every time is an argument, in seconds of one monotonic clock. A difference belongs to the span between
two readings; readings of different hosts need not be in step, because each brings its own span.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from h2o_console.store.buckets import Closed, MovingSum
from h2o_core.histogram import Histogram

BUCKET_S: Final = 6
"""Longer than the slowest poll (5 s and its jitter), so that every bucket sees a reading."""
BUCKETS: Final = 10
WINDOW_S: Final = BUCKET_S * BUCKETS
PACE_S: Final = 10
"""Requests per second are the mean of the last 10 s."""
_SETTLED: Final = 3
"""From so many buckets ago on, no host's reading is missing any more that will still come."""
WENT_DOWN: Final = "a counter went down"
_NS_PER_MS: Final = 1e6
K = TypeVar("K", bound=Hashable)
Line = tuple[float | None, ...]
"""A value a bucket, oldest first."""


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
        add_counts(self.outcomes, other.outcomes)
        self.sketch.merge(other.sketch)


def covered_s(since_s: float | None, now_s: float) -> float:
    """How much of the last minute is in a window that has counted since then (None: not yet)."""
    return 0.0 if since_s is None else max(0.0, min(now_s - since_s, WINDOW_S - BUCKET_S + now_s % BUCKET_S))


def add_counts(whole: dict[str, int], part: Mapping[str, int]) -> None:
    """Outcomes by code, added up in place."""
    for code, count in part.items():
        whole[code] = whole.get(code, 0) + count


def counts_since(earlier: Mapping[str, int], later: Mapping[str, int]) -> dict[str, int]:
    """What was counted after *earlier*; raises CounterReset."""
    more: dict[str, int] = {}
    left = len(earlier)
    for code, count in later.items():
        was = earlier.get(code)
        if was is None:
            more[code] = count
            continue
        left -= 1
        if count < was:
            raise CounterReset(WENT_DOWN)
        if count != was:
            more[code] = count - was
    if left:
        raise CounterReset(WENT_DOWN)
    return more


@dataclass(frozen=True, slots=True)
class Times:
    """Quantiles and mean of what was timed, ms; None when nothing was."""

    p50_ms: float | None = None
    p95_ms: float | None = None
    mean_ms: float | None = None


NO_TIMES: Final = Times()


def times_of(sketch: Histogram) -> Times:
    """Of a minute, or of one bucket."""
    count = sketch.count
    if not count:
        return NO_TIMES
    mean_ms = sketch.sum_ns / count / _NS_PER_MS
    return Times(quantile_ms(sketch, 0.5), quantile_ms(sketch, 0.95), mean_ms)


def quantile_ms(sketch: Histogram, q: float) -> float | None:
    """The *q*-quantile; None when nothing was timed."""
    value = sketch.quantile(q)
    return None if value != value else value / _NS_PER_MS  # noqa: PLR0124 - nan is what differs from itself


class Window:
    """Tallies in buckets of 6 s. Adding touches one bucket; what was read is remembered until something is added.

    Of what is read again and again the sum is kept, and moves on with the buckets.
    """

    __slots__ = (
        "_closed",
        "_codes",
        "_indexes",
        "_open",
        "_open_at",
        "_outcomes",
        "_outcomes_for",
        "_times",
        "_times_for",
        "_timings",
    )

    def __init__(self) -> None:
        self._open_at = -1
        self._open = Tally()
        self._closed: dict[int, Closed] = {}
        self._codes: MovingSum[str] | None = None
        self._indexes: MovingSum[int] | None = None
        self._outcomes: Mapping[str, int] = {}
        self._outcomes_for = -1
        self._times = NO_TIMES
        self._times_for = (-1, -1)
        self._timings = 0

    def add_outcomes(self, at_s: float, outcomes: Mapping[str, int]) -> None:
        """Count them into the bucket of *at_s*, which is never earlier than the one before."""
        bucket = int(at_s // BUCKET_S)
        if bucket != self._open_at:
            self._turn(bucket)
        counts = self._open.outcomes
        for code, count in outcomes.items():
            counts[code] = counts.get(code, 0) + count
        self._outcomes_for = -1

    def add_times(self, at_s: float, sketch: Histogram) -> None:
        """As `add_outcomes`, what was timed."""
        bucket = int(at_s // BUCKET_S)
        if bucket != self._open_at:
            self._turn(bucket)
        self._open.sketch.merge(sketch)
        self._timings += 1

    def add(self, at_s: float, tally: Tally) -> None:
        """Both."""
        self.add_outcomes(at_s, tally.outcomes)
        self.add_times(at_s, tally.sketch)

    def _turn(self, bucket: int) -> None:
        opened = self._open
        if opened.outcomes or opened.sketch.buckets or opened.sketch.zero:
            self._closed[self._open_at] = Closed.of(opened.outcomes, opened.sketch)
        # One bucket more than the window has is kept, for the line while the newest one has only begun.
        for old in [at for at in self._closed if at < bucket - BUCKETS]:
            del self._closed[old]
        self._open, self._open_at = Tally(), bucket

    def total(self, now_s: float) -> Tally:
        """The last 60 s together, as a new tally."""
        return Tally(dict(self.outcomes(now_s)), self.sketch(now_s))

    def _recent(self, now_s: float) -> list[Closed]:
        oldest = int(now_s // BUCKET_S) - BUCKETS + 1
        return [closed for at, closed in self._closed.items() if at >= oldest]

    def _open_counts(self, now_s: float) -> bool:
        return self._open_at > int(now_s // BUCKET_S) - BUCKETS

    def outcomes(self, now_s: float) -> Mapping[str, int]:
        """The last 60 s' outcomes alone; not to be changed."""
        newest = int(now_s // BUCKET_S)
        if self._outcomes_for != newest:
            counts = self._over(self._codes_sum(), newest) if self._closed else {}
            if self._open_counts(now_s):
                add_counts(counts, self._open.outcomes)
            self._outcomes, self._outcomes_for = counts, newest
        return self._outcomes

    def times(self, now_s: float) -> Times:
        """Quantiles and mean of the last 60 s."""
        wanted = int(now_s // BUCKET_S), self._timings
        if self._times_for != wanted:
            self._times, self._times_for = times_of(self.sketch(now_s)), wanted
        return self._times

    def sketch(self, now_s: float) -> Histogram:
        """The last 60 s' times, as a new sketch."""
        whole = Histogram()
        if self._closed:
            whole.buckets = self._over(self._indexes_sum(), int(now_s // BUCKET_S))
            for closed in self._recent(now_s):
                whole.zero += closed.zero
                whole.sum_ns += closed.sum_ns
        if self._open_counts(now_s):
            whole.merge(self._open.sketch)
        return whole

    def _over(self, moving: MovingSum[K], newest: int) -> dict[K, int]:
        """Of the closed buckets of a minute that ends with *newest*, as a new dictionary."""
        return dict(moving.over(self._closed, newest - BUCKETS + 1, self._open_at, self._open_at - BUCKETS))

    def _codes_sum(self) -> MovingSum[str]:
        if self._codes is None:
            self._codes = MovingSum(Closed.by_code)
        return self._codes

    def _indexes_sum(self) -> MovingSum[int]:
        if self._indexes is None:
            self._indexes = MovingSum(Closed.by_index)
        return self._indexes

    @property
    def timings(self) -> int:
        """Raised whenever times are added."""
        return self._timings

    def bucket(self, bucket: int) -> Tally | None:
        """What was counted in one bucket; None when nothing was."""
        if bucket == self._open_at:
            return self._open if self._open.outcomes or self._open.sketch.buckets else None
        closed = self._closed.get(bucket)
        return None if closed is None else Tally(dict(closed.outcomes), closed.sketch())


def quantile_line(windows: Sequence[Window], q: float, now_s: float, known: dict[int, float | None]) -> Line:
    """The *q*-quantile (ms) in each bucket over several windows, oldest first; None where nothing was timed.

    *known* remembers the buckets that are closed, for the next call.
    """
    newest = int(now_s // BUCKET_S)
    last = newest if any(window.bucket(newest) for window in windows) else newest - 1  # not yet a gap: it only began
    wanted = range(last - BUCKETS + 1, last + 1)
    for bucket in [bucket for bucket in known if bucket not in wanted]:
        del known[bucket]
    for bucket in wanted:
        if bucket not in known or bucket == newest:
            whole = Tally()
            for window in windows:
                if (tally := window.bucket(bucket)) is not None:
                    whole.sketch.merge(tally.sketch)
            known[bucket] = quantile_ms(whole.sketch, q)
    line = tuple(known[bucket] for bucket in wanted)
    known.pop(newest, None)
    return line


class Pace:
    """One instance's requests per second: exact over its own readings, whatever their rhythm."""

    __slots__ = ("_recent", "buckets")

    def __init__(self) -> None:
        self._recent: list[tuple[float, float, int]] = []
        self.buckets: dict[int, tuple[float, float]] = {}
        """Bucket → (requests, seconds of it that are known)."""

    def add(self, from_s: float, to_s: float, requests: int) -> None:
        """*requests* were counted between the two readings."""
        if to_s <= from_s:
            return
        self._recent = [entry for entry in self._recent if entry[1] > to_s - PACE_S]
        self._recent.append((from_s, to_s, requests))
        first, last = int(from_s // BUCKET_S), int(to_s // BUCKET_S)
        per_s = requests / (to_s - from_s)
        buckets = self.buckets
        for bucket in range(max(first, last - BUCKETS), last + 1):
            span_s = min(to_s, (bucket + 1) * BUCKET_S) - max(from_s, bucket * BUCKET_S)
            if span_s > 0:
                counted, covered_s = buckets.get(bucket, (0.0, 0.0))
                buckets[bucket] = counted + per_s * span_s, covered_s + span_s
        if len(buckets) > BUCKETS + 1:
            for bucket in [bucket for bucket in buckets if bucket < last - BUCKETS]:
                del buckets[bucket]

    def reaches(self, bucket: int) -> bool:
        """Something is known of *bucket*."""
        return bucket in self.buckets

    def per_s(self, now_s: float) -> float | None:
        """Requests per second over the last 10 s; None when no span is known."""
        since_s, span_s, requests = now_s - PACE_S, 0.0, 0
        for from_s, to_s, counted in self._recent:
            if to_s > since_s:
                span_s += to_s - from_s
                requests += counted
        return requests / span_s if span_s else None


def line_of(paces: Sequence[Pace], now_s: float, known: dict[int, float | None] | None = None) -> Line:
    """Several instances' requests per second in each bucket; None only where none of them knows anything.

    *known* remembers the buckets of which all readings are in, for the next call.
    """
    newest = int(now_s // BUCKET_S)
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
