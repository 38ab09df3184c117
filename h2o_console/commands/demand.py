"""How much versions have to do: requests a second, and the slots that they would keep busy if they were well. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code
from h2o_core.plan.situation import Demand

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from h2o_core.pb.host_pb2 import History, Point
    from h2o_core.plan.situation import Instance

NOW_S: Final = 60.0
"""Over so long the rate and the share of errors of now are taken; or over the last point, where those are longer."""
HEALTHY_SHARE: Final = 0.05
"""Ten seconds of a version in which fewer of its requests fail than this tell how long a healthy one takes."""
_FAILURES: Final = frozenset({Code.TIMEOUT, Code.INTERNAL, Code.OUTCOME_UNKNOWN, Code.UNAVAILABLE, Code.OVERLOADED})

Key = tuple[str, str]


@dataclass(slots=True)
class _Sum:
    """Of one version, over the hosts that answer."""

    covered: bool = False
    rate_per_s: float = 0.0
    requests: int = 0
    failed: int = 0
    healthy: int = 0
    healthy_s: float = 0.0


def demand_of(
    histories: Iterable[History], instances: Collection[Instance], fresh: Collection[str]
) -> dict[Key, Demand]:
    """By (package, version), of all versions that run.

    `busy` = requests/s of the last minute × the mean service time of the healthy tens of seconds (Little's law), so
    that neither failing at once nor timing out distorts it; a version that was never healthy is taken to be as fast
    as the package's others. Instances of hosts that are not *fresh* are taken to do as much for each slot as those
    that are. What was not counted in the last minute has an unknown demand.
    """
    sums = _sums(histories)
    slots, seen = _slots(instances, fresh)
    found: dict[Key, Demand] = {}
    for key in slots:
        one = sums.get(key)
        if not seen[key] or one is None or not one.covered:
            found[key] = Demand()
            continue
        rate_per_s = one.rate_per_s * slots[key] / seen[key]
        service_s = _service_s(key, sums)
        busy = 0.0 if rate_per_s == 0 else None if service_s is None else rate_per_s * service_s
        found[key] = Demand(busy, rate_per_s, one.failed / one.requests if one.requests else None)
    return found


def _sums(histories: Iterable[History]) -> dict[Key, _Sum]:
    sums: dict[Key, _Sum] = defaultdict(_Sum)
    for history in histories:
        for series in history.series:
            if series.kind == "package":
                one = sums[series.package, series.version]
                recent = [
                    point
                    for point in series.points
                    if point.t_s >= history.as_of_s - max(NOW_S, 2 * history.resolution_s)
                ]
                covered_s = sum(point.covered_s for point in recent)
                if covered_s > 0:
                    one.covered = True
                    one.rate_per_s += sum(map(requests, recent)) / covered_s
                one.requests += sum(map(requests, recent))
                one.failed += sum(map(failed, recent))
                well = [point for point in series.points if failed(point) <= HEALTHY_SHARE * requests(point)]
                one.healthy += sum(map(requests, well))
                one.healthy_s += sum(point.processing.sum for point in well) / 1e9
    return dict(sums)


def _slots(instances: Iterable[Instance], fresh: Collection[str]) -> tuple[dict[Key, int], dict[Key, int]]:
    """Slots of each version: all, and those on hosts that answer."""
    slots: dict[Key, int] = defaultdict(int)
    seen: dict[Key, int] = defaultdict(int)
    for one in instances:
        key = (one.package, one.version)
        slots[key] += one.slots
        seen[key] += one.slots if one.host in fresh else 0
    return slots, seen


def _service_s(key: Key, sums: dict[Key, _Sum]) -> float | None:
    own = sums[key]
    if own.healthy:
        return own.healthy_s / own.healthy
    others = [one for (package, _), one in sums.items() if package == key[0] and one.healthy]
    many = sum(one.healthy for one in others)
    return sum(one.healthy_s for one in others) / many if many else None


def requests(point: Point) -> int:
    """All that ended in it."""
    return sum(outcome.count for outcome in point.outcomes)


def failed(point: Point) -> int:
    """Those that failed by the package's or the platform's fault."""
    return sum(outcome.count for outcome in point.outcomes if outcome.code in _FAILURES)
