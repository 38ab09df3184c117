"""What would be different: shares by version, predicted load by instance and host, requests that move. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_core.plan.plan import Effect, HostLoad, InstanceLoad, Load, Share

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from h2o_core.plan.routes import Route
    from h2o_core.plan.situation import Fleet, Instance

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Need:
    """What a package needs, of all its versions: slots kept busy, and requests/s; None: not known."""

    busy: float | None
    rate_per_s: float | None


def need_of(fleet: Fleet, route: Route) -> Need:
    """Known when it is known of every version that gets requests; of the others what is known is added."""
    versions = {version for package, version in fleet.demand if package == route.package}
    serving = {version for version, parts in route.routed.items() if parts}
    found = {version: fleet.demand.get((route.package, version)) for version in versions | serving}
    busy = {version: None if one is None else one.busy for version, one in found.items()}
    rate = {version: None if one is None else one.rate_per_s for version, one in found.items()}
    return Need(_sum(busy, serving), _sum(rate, serving))


def _sum(values: Mapping[str, float | None], needed: Collection[str]) -> float | None:
    known = [value for value in values.values() if value is not None]
    if not known or any(values[version] is None for version in needed):
        return None
    return sum(known)


def effect_of(
    before: Mapping[str, Route], after: Mapping[str, Route], fleet: Fleet, touched: Collection[str] = ()
) -> Effect:
    """From the routes by package; *touched*: packages whose shares are told even if they stay."""
    shares: list[Share] = []
    changed: set[str] = set()
    loads: dict[str, tuple[Load, Load]] = {}
    instances = {one.id: one for one in fleet.instances}
    moved: float | None = 0.0
    moved_parts = 0
    of_package: dict[str, list[Instance]] = defaultdict(list)
    for one in fleet.instances:
        of_package[one.package].append(one)
    for package, was in before.items():
        will = after[package]
        need = need_of(fleet, was)
        if package in touched or (was.given != will.given and not (was.by_load and will.by_load)):
            shares += _shares(was, will)
        moved_parts = max(moved_parts, round(_risen(was.given, will.given)))
        old, new = was.parts(), will.parts()
        for one in of_package[package]:
            loads[one.id] = (_load(old.get(one.id, 0.0), need, one), _load(new.get(one.id, 0.0), need, one))
            if abs(old.get(one.id, 0.0) - new.get(one.id, 0.0)) > _SAME:
                changed.add(one.id)
        part = max(_risen(old, new), _risen(new, old))
        if part > _SAME and moved is not None:
            moved = None if need.rate_per_s is None else moved + part * need.rate_per_s
    told = tuple(InstanceLoad(instances[one], *loads[one]) for one in sorted(changed))
    return Effect(tuple(shares), told, _hosts(loads, changed, instances), moved, moved_parts)


def _shares(was: Route, will: Route) -> list[Share]:
    versions = dict.fromkeys((*will.given, *was.given, *was.crowd))
    return [
        Share(was.package, version, was.given.get(version, 0), will.given.get(version, 0), was.by_load or will.by_load)
        for version in versions
    ]


def _risen(old: Mapping[str, float], new: Mapping[str, float]) -> float:
    return sum(max(0, part - old.get(key, 0)) for key, part in new.items())


def _load(part: float, need: Need, one: Instance) -> Load:
    """Who gets nothing is idle, whatever the package needs."""
    if not part:
        return Load(0.0, one.slots)
    return Load(None if need.busy is None else part * need.busy, one.slots)


def _hosts(
    loads: Mapping[str, tuple[Load, Load]], changed: Collection[str], instances: Mapping[str, Instance]
) -> tuple[HostLoad, ...]:
    """Everything on the hosts where something changes."""
    names = {instances[one].host for one in changed}
    here: dict[str, list[tuple[Load, Load]]] = defaultdict(list)
    for one, both in loads.items():
        if instances[one].host in names:
            here[instances[one].host].append(both)
    return tuple(
        HostLoad(host, _total([was for was, _ in here[host]]), _total([will for _, will in here[host]]))
        for host in sorted(names)
    )


def _total(loads: Collection[Load]) -> Load:
    busy = [one.busy for one in loads]
    known = [one for one in busy if one is not None]
    return Load(sum(known) if len(known) == len(busy) else None, sum(one.slots for one in loads))
