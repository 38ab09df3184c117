"""The last minute, from differences of raw counters: outcomes and times in buckets, and what is read from them.

Pure: every time is an argument, in seconds of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.buckets import BUCKET_S, BUCKETS, WINDOW_S, Closed, Outcomes, Sketches, bucket_at
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


class Window(Outcomes):
    """Outcomes and times of the last minute. What was read is remembered until something is added or falls out."""

    __slots__ = ("_sketches", "_times", "_times_for", "timings")

    def __init__(self) -> None:
        super().__init__()
        self._sketches: Sketches | None = None
        self._times = NO_TIMES
        self._times_for = (-1, -1)
        self.timings = 0
        """Raised whenever times are added."""

    def add_times(self, bucket: int, sketch: Histogram) -> None:
        """As `add_outcomes`, what was timed."""
        if self._sketches is None:
            self._sketches = Sketches()
        self._sketches.add(bucket, sketch)
        self.timings += 1

    def times(self, now_s: float) -> Times:
        """Quantiles and mean of the last 60 s."""
        wanted = bucket_at(now_s), self.timings
        if self._times_for != wanted:
            self._times, self._times_for = times_of(self.sketch(now_s)), wanted
        return self._times

    def sketch(self, now_s: float) -> Histogram:
        """The last 60 s' times, as a new sketch."""
        return Histogram() if self._sketches is None else self._sketches.until(bucket_at(now_s))

    def pieces(self, now_s: float) -> Sequence[Closed]:
        """What `sketch` adds up, each by itself; nothing is added to them any more."""
        return () if self._sketches is None else self._sketches.pieces(bucket_at(now_s))

    def times_in(self, bucket: int) -> Histogram | None:
        """What was timed in one bucket, not to be changed; None when nothing was."""
        return None if self._sketches is None else self._sketches.at(bucket)

    def reaches(self, bucket: int) -> bool:
        """Something was counted in *bucket*."""
        return super().reaches(bucket) or self.times_in(bucket) is not None


def quantile_line(windows: Sequence[Window], q: float, now_s: float, known: dict[int, float | None]) -> Line:
    """The *q*-quantile (ms) in each bucket over several windows, oldest first; None where nothing was timed.

    *known* remembers the buckets that are closed, for the next call.
    """
    newest = bucket_at(now_s)
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
