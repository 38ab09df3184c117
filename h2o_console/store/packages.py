"""One package as the console remembers it: its last minute, its promises, and how many instances it had.

Pure. The instances themselves belong to their hosts (`h2o_console.store.hosts`); a record outlives them, because a
package whose last instance went is the one row that must not vanish.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.buckets import bucket_at
from h2o_console.store.pace import Line, Pace, line_of
from h2o_console.store.views import FeatureView
from h2o_console.store.windows import NO_TIMES, Times, Window, add_counts, quantile_line, times_of
from h2o_core.histogram import Histogram

if TYPE_CHECKING:
    from h2o_console.feed.counters import Promise
    from h2o_console.store.hosts import HostRecord
    from h2o_console.store.instances import Here
    from h2o_console.store.members import Member

REMEMBERED_S: Final = 900
"""How long the most instances, and a package that is gone and promises nothing, are remembered."""
_Key = tuple[str, str]


@dataclass(slots=True)
class PackageRecord:
    """Windows over all instances. `gone_s` is when the last instance went (None: there are some, or never were)."""

    name: str
    features: dict[_Key, Window] = field(default_factory=dict[_Key, Window])
    promises: dict[_Key, Promise] = field(default_factory=dict[_Key, "Promise"])
    peak: int = 0
    peak_s: float = 0.0
    gone_s: float | None = None
    _p95_known: dict[int, float | None] = field(default_factory=dict[int, "float | None"])
    _rps_known: dict[int, float | None] = field(default_factory=dict[int, "float | None"])
    _times: Times = NO_TIMES
    _times_for: tuple[int, int, int] = (-1, -1, -1)

    def window_of(self, version: str, feature: str) -> Window:
        """Where a feature of a version is counted. It is kept for as long as the version runs."""
        window = self.features.get((version, feature))
        if window is None:
            window = self.features[version, feature] = Window()
        return window

    def forget_idle(self, versions: Container[str], now_s: float) -> None:
        """Of versions that don't run any more (*versions* do), features that nobody has called for a minute."""
        for key in [key for key in self.features if key[0] not in versions]:
            if not self.features[key].outcomes(now_s):
                del self.features[key]

    def outcomes(self, now_s: float) -> dict[str, int]:
        """The last minute over all features."""
        whole: dict[str, int] = {}
        for window in self.features.values():
            add_counts(whole, window.outcomes(now_s))
        return whole

    def times(self, now_s: float) -> Times:
        """Quantiles over all features of the last minute."""
        wanted = bucket_at(now_s), len(self.features), sum(window.timings for window in self.features.values())
        if wanted != self._times_for:
            whole = Histogram()
            for window in self.features.values():
                whole.merge(window.sketch(now_s))
            self._times, self._times_for = times_of(whole), wanted
        return self._times

    def p95_line(self, now_s: float) -> Line:
        """The 95th percentile (ms) over all features, bucket by bucket."""
        return quantile_line(tuple(self.features.values()), 0.95, now_s, self._p95_known)

    def rps_line(self, paces: list[Pace], now_s: float) -> Line:
        """Requests per second of all instances, bucket by bucket."""
        return line_of(paces, now_s, self._rps_known)

    def saw(self, instances: int, now_s: float) -> None:
        """There are so many instances now."""
        if instances >= self.peak or now_s - self.peak_s > REMEMBERED_S:
            self.peak, self.peak_s = instances, now_s
        if instances:
            self.gone_s = None
        elif self.gone_s is None and self.peak:
            self.gone_s = now_s

    def forgotten(self, instances: int, now_s: float) -> bool:
        """Nothing is left to say of it."""
        if instances or self.promises:
            return False
        return self.gone_s is None or now_s - self.gone_s > REMEMBERED_S

    def views(self, places: Iterable[Here], now_s: float, *, timed: bool = True) -> tuple[FeatureView, ...]:
        """Each feature of each version that runs or was called in the last minute; *timed*: with what they took."""
        running, speaking = Counter[str](), set[str]()
        errors: dict[_Key, tuple[str, float]] = {}
        for host, silent, members in places:
            for member in members:
                running[member.version] += 1
                if not silent:
                    speaking.add(member.version)
                if member.errors:
                    _newest_errors(errors, member, host, now_s)
        told = speaking or not running
        called = {key: window for key, window in self.features.items() if told and window.outcomes(now_s)}
        keys = set(called) | {key for key in (*self.promises, *errors) if key[0] in running}
        return tuple(
            self._view(
                key,
                called.get(key),
                errors.get(key),
                running[key[0]],
                now_s,
                known=key[0] in speaking,
                timed=timed,
            )
            for key in sorted(keys)
        )

    def _view(
        self,
        key: _Key,
        window: Window | None,
        error: tuple[str, float] | None,
        instances: int,
        now_s: float,
        *,
        known: bool,
        timed: bool,
    ) -> FeatureView:
        promise = self.promises.get(key)
        times = window.times(now_s) if window is not None and timed else NO_TIMES
        return FeatureView(
            feature=key[1],
            version=key[0],
            outcomes=window.outcomes(now_s) if window is not None else {},
            p50_ms=times.p50_ms,
            p95_ms=times.p95_ms,
            mean_ms=promise.mean_ms if promise else None,
            upper95_ms=promise.upper95_ms if promise else None,
            last_error=error[0] if error else "",
            error_age_s=error[1] if error else None,
            package=self.name,
            measured_mean_ms=times.mean_ms,
            instances=instances,
            known=known,
        )


def _newest_errors(newest: dict[_Key, tuple[str, float]], member: Member, host: HostRecord, now_s: float) -> None:
    clock_s = host.clock_s(now_s)
    for feature, error in member.errors.items() if clock_s is not None else ():
        age_s = (clock_s or 0.0) - error.at_s
        known = newest.get((member.version, feature))
        if known is None or age_s < known[1]:
            newest[member.version, feature] = error.text, age_s
