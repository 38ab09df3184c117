"""One package as the console remembers it: its last minute, its promises, and how many instances it had.

Pure. The instances themselves belong to their hosts (`h2o_console.store.hosts`); a record outlives them, because a
package whose last instance went is the one row that must not vanish.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.views import FeatureView
from h2o_console.store.windows import Line, Tally, Window, quantile, quantile_line

if TYPE_CHECKING:
    from h2o_console.feed.counters import Promise
    from h2o_console.store.hosts import Counted

REMEMBERED_S: Final = 900
"""How long the most instances, and a package that is gone and promises nothing, are remembered."""
_NS_PER_MS: Final = 1e6


@dataclass(frozen=True, slots=True)
class LastError:
    """The newest error of a feature, `age_s` ago."""

    text: str
    age_s: float


@dataclass(slots=True)
class PackageRecord:
    """Windows over all instances. `gone_s` is when the last instance went (None: there are some, or never were)."""

    name: str
    features: dict[tuple[str, str], Window] = field(default_factory=dict[tuple[str, str], Window])
    callers: Window = field(default_factory=Window)
    promises: dict[tuple[str, str], Promise] = field(default_factory=dict[tuple[str, str], "Promise"])
    peak: int = 0
    peak_s: float = 0.0
    gone_s: float | None = None
    _p95_known: dict[int, float | None] = field(default_factory=dict[int, "float | None"])

    def count(self, counted: Counted, now_s: float) -> None:
        """Take in what a reading added."""
        if not counted.version:
            self.callers.add(now_s, counted.tally)
            return
        self.features.setdefault((counted.version, counted.feature), Window()).add(now_s, counted.tally)

    def totals(self, now_s: float) -> dict[tuple[str, str], Tally]:
        """The last minute of each feature of each version; whole features that are silent for long are forgotten."""
        totals = {key: window.total(now_s) for key, window in self.features.items()}
        for key in [key for key, total in totals.items() if not total.outcomes]:
            del totals[key], self.features[key]
        return totals

    def p95_line(self, now_s: float) -> Line:
        """The 95th percentile (ns) over all features, bucket by bucket."""
        return quantile_line(tuple(self.features.values()), 0.95, now_s, self._p95_known)

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

    def views(
        self,
        totals: Mapping[tuple[str, str], Tally],
        errors: Mapping[tuple[str, str], LastError],
        running: Iterable[str],
    ) -> tuple[FeatureView, ...]:
        """Each feature of each version that runs or was called in the last minute."""
        versions = set(running)
        keys = set(totals) | {key for key in (*self.promises, *errors) if key[0] in versions}
        return tuple(self._view(key, totals.get(key), errors.get(key)) for key in sorted(keys))

    def _view(self, key: tuple[str, str], total: Tally | None, error: LastError | None) -> FeatureView:
        promise = self.promises.get(key)
        return FeatureView(
            feature=key[1],
            version=key[0],
            outcomes=total.outcomes if total else {},
            p50_ms=in_ms(quantile(total.sketch, 0.5)) if total else None,
            p95_ms=in_ms(quantile(total.sketch, 0.95)) if total else None,
            mean_ms=promise.mean_ms if promise else None,
            upper95_ms=promise.upper95_ms if promise else None,
            last_error=error.text if error else "",
            error_age_s=error.age_s if error else None,
        )


def in_ms(value_ns: float | None) -> float | None:
    """Nanoseconds → milliseconds."""
    return None if value_ns is None else value_ns / _NS_PER_MS
