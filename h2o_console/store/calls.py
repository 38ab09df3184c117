"""Who calls whom: what each caller got from each feature in the last minute, over all hosts. Pure.

Counted at the origin, so that it includes what never reached an instance; never added to what features count.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.views import CallView
from h2o_console.store.windows import Window, add_counts
from h2o_core.insights.counts import Counts
from h2o_core.insights.reports import full
from h2o_core.names import Tier, package_of, shown

if TYPE_CHECKING:
    from collections.abc import Collection

    from h2o_console.store.hosts import HostRecord

_BREACHES_S: Final = 60.0
_LOOKED_S: Final = 60.0
"""So long after somebody has looked, times are still compared more often."""
_RANKS: Final = {tier.value: rank for rank, tier in enumerate(Tier)}
Key = tuple[str, str, str]
"""Who calls, its version, and the feature."""


@dataclass(slots=True)
class Calls:
    """A window for each caller's version and feature; while somebody looks, their times are compared more often.

    `_of`: the same windows by the called package.
    """

    windows: dict[Key, Window] = field(default_factory=dict[Key, Window])
    _of: dict[str, dict[Key, Window]] = field(default_factory=dict[str, dict[Key, Window]])
    _looked_s: float = float("-inf")

    def window_of(self, key: Key) -> Window:
        """Where a caller's calls of a feature are counted."""
        window = self.windows.get(key)
        if window is None:
            window = self.windows[key] = self._of.setdefault(_package(key), {})[key] = Window()
        return window

    def outcomes_of(self, package: str, now_s: float) -> dict[str, int]:
        """What all callers of a package got in the last minute."""
        whole: dict[str, int] = {}
        for window in self._of.get(package, {}).values():
            add_counts(whole, window.outcomes(now_s))
        return whole

    def timed(self, now_s: float) -> bool:
        """Somebody looks."""
        return now_s - self._looked_s < _LOOKED_S

    def look(self, now_s: float) -> None:
        """Somebody does now."""
        self._looked_s = now_s

    def views(
        self, hosts: Collection[HostRecord], now_s: float, *, only: HostRecord | None = None
    ) -> tuple[CallView, ...]:
        """All that was called in the last minute, and what still has a caller; *only*: from this host."""
        here = [host for host in hosts if not host.silent(now_s)]
        places = Counter(key for host in here for key in host.calls)
        breaches = Counter[Key]()
        for host in here:
            breaches.update({key: call.breaches.since(now_s - _BREACHES_S) for key, call in host.calls.items()})
        lately = {key for key, window in self.windows.items() if window.outcomes(now_s)}
        for key in self.windows.keys() - lately.union(*(host.calls for host in hosts)):  # a silent one may come back
            del self.windows[key], self._of[_package(key)][key]
        wanted = only.calls.keys() if only is not None else places.keys() | lately
        return tuple(self._view(key, places[key], breaches[key], now_s) for key in sorted(wanted))

    def parts(self, over_s: float, now_s: float) -> dict[Key, Counts]:
        """For insights: what was called in the last minute, of which windows have *over_s* seconds; by full names."""
        called: dict[Key, Counts] = {}
        for (caller, version, feature), window in self.windows.items():
            outcomes = window.outcomes(now_s)
            if outcomes:
                called[full(caller), version, full(feature)] = Counts(outcomes, window.sketch(now_s), over_s)
        return called

    def _view(self, key: Key, hosts: int, breaches: int, now_s: float) -> CallView:
        caller, version, feature = key
        window = self.windows.get(key) or Window()
        times = window.times(now_s)
        return CallView(
            caller=caller,
            version=version,
            feature=feature,
            package=_package(key),
            outcomes=window.outcomes(now_s),
            p50_ms=times.p50_ms,
            p95_ms=times.p95_ms,
            hosts=hosts,
            forbidden=tier_problem(caller, feature),
            breaches=breaches,
        )


def _package(key: Key) -> str:
    return shown(package_of(f"/{key[2]}"))


def tier_problem(caller: str, feature: str) -> str:
    """Why the tiers don't allow that *caller* calls *feature*; "": they do, or it is no package (the operator)."""
    rank, callee = _RANKS.get(caller.partition("/")[0]), _RANKS.get(feature.partition("/")[0])
    if rank is None or callee is None or rank < callee:
        return ""
    return f"{caller.partition('/')[0]} may not call {feature.partition('/')[0]}"
