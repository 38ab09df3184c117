"""The last minute, from differences of raw counters: outcomes and times in buckets, and what is read from them.

Pure: every time is an argument, in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.buckets import BUCKET_S, BUCKETS, WINDOW_S, Closed, OutcomeBuckets, TimeBuckets
from h2o_core.histogram import Histogram

if TYPE_CHECKING:
    from h2o_console.store.pace import Line

_NS_PER_MS: Final = 1e6


@dataclass(slots=True)
class Tally:
    """Outcomes by code, and the sketch of their times."""

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    sketch: Histogram = field(default_factory=Histogram)

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
    """Tallies in buckets of 6 s. What was read is remembered until something is added or a bucket falls out."""

    __slots__ = ("_outcomes", "_outcomes_for", "_outcomes_in", "_times", "_times_for", "_times_in", "timings")

    def __init__(self) -> None:
        self._outcomes_in = OutcomeBuckets()
        self._times_in: TimeBuckets | None = None
        self._outcomes: Mapping[str, int] = {}
        self._outcomes_for = -1
        self._times = NO_TIMES
        self._times_for = (-1, -1)
        self.timings = 0
        """Raised whenever times are added."""

    def add_outcomes(self, at_s: float, outcomes: Mapping[str, int]) -> None:
        """Count them into the bucket of *at_s*, which is never earlier than the one before."""
        self._outcomes_in.add(int(at_s // BUCKET_S), outcomes)
        self._outcomes_for = -1

    def add_times(self, at_s: float, sketch: Histogram) -> None:
        """As `add_outcomes`, what was timed."""
        if self._times_in is None:
            self._times_in = TimeBuckets()
        self._times_in.add(int(at_s // BUCKET_S), sketch)
        self.timings += 1

    def outcomes(self, now_s: float) -> Mapping[str, int]:
        """The last 60 s' outcomes alone; not to be changed."""
        newest = int(now_s // BUCKET_S)
        if self._outcomes_for != newest:
            self._outcomes, self._outcomes_for = self._outcomes_in.until(newest), newest
        return self._outcomes

    def times(self, now_s: float) -> Times:
        """Quantiles and mean of the last 60 s."""
        wanted = int(now_s // BUCKET_S), self.timings
        if self._times_for != wanted:
            self._times, self._times_for = times_of(self.sketch(now_s)), wanted
        return self._times

    def sketch(self, now_s: float) -> Histogram:
        """The last 60 s' times, as a new sketch."""
        return Histogram() if self._times_in is None else self._times_in.until(int(now_s // BUCKET_S))

    def pieces(self, now_s: float) -> Sequence[Closed]:
        """What `sketch` adds up, each by itself; nothing is added to them any more."""
        return () if self._times_in is None else self._times_in.pieces(int(now_s // BUCKET_S))

    def times_in(self, bucket: int) -> Histogram | None:
        """What was timed in one bucket, not to be changed; None when nothing was."""
        return None if self._times_in is None else self._times_in.at(bucket)

    def reaches(self, bucket: int) -> bool:
        """Something was counted in *bucket*."""
        return self._outcomes_in.reaches(bucket) or self.times_in(bucket) is not None


def quantile_line(windows: Sequence[Window], q: float, now_s: float, known: dict[int, float | None]) -> Line:
    """The *q*-quantile (ms) in each bucket over several windows, oldest first; None where nothing was timed.

    *known* remembers the buckets that are closed, for the next call.
    """
    newest = int(now_s // BUCKET_S)
    last = newest if any(window.reaches(newest) for window in windows) else newest - 1  # not yet a gap: it only began
    wanted = range(last - BUCKETS + 1, last + 1)
    for bucket in [bucket for bucket in known if bucket not in wanted]:
        del known[bucket]
    for bucket in wanted:
        if bucket not in known or bucket == newest:
            whole = Histogram()
            for window in windows:
                if (times := window.times_in(bucket)) is not None:
                    whole.merge(times)
            known[bucket] = quantile_ms(whole, q)
    line = tuple(known[bucket] for bucket in wanted)
    known.pop(newest, None)
    return line
