"""Where a package's requests go, by what is decided and how its instances stand: as brokers choose. Pure.

A model of `h2o_broker.pools` and `h2o_core.assignment`, good enough to predict shares by: without match rules, carried
versions, and the finer points of load.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_core.control.hosts import HostState
from h2o_core.control.settings import NewVersions
from h2o_core.control.traffic import WHOLE
from h2o_core.health import panics
from h2o_core.routing import serving_versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_core.control.traffic import Traffic
    from h2o_core.plan.situation import Decided, Fleet, Instance

Members = tuple["Instance", ...]
_UNREGISTERED = 1 << 31


@dataclass(frozen=True, slots=True)
class Route:
    """One package's. `given`: version → parts out of 10,000 that it is given; `routed`: parts that reach it.

    What is given to a version without an instance reaches the stable one. `by_load`: nobody decides, and the parts are
    those of the slots.
    `crowd`: version → its instances that requests may go to at all (not drained, ready, their broker there); `takers`:
    those of them that brokers choose from.
    """

    package: str
    given: Mapping[str, int]
    routed: Mapping[str, int]
    by_load: bool
    crowd: Mapping[str, Members]
    takers: Mapping[str, Members]

    def parts(self) -> dict[str, float]:
        """Instance → its part of the package's requests, 0 … 1, of those that get any."""
        found: dict[str, float] = {}
        for version, members in self.takers.items():
            slots = sum(one.slots for one in members)
            for one in members:
                even = 1 / len(members) if not slots else one.slots / slots
                found[one.id] = self.routed.get(version, 0) / WHOLE * even
        return {one: part for one, part in found.items() if part}

    @property
    def well(self) -> Members:
        """Whoever can be counted on to take requests: of the crowd, those that don't fail."""
        return tuple(one for members in self.crowd.values() for one in members if not one.failing)


def routes(decided: Decided, fleet: Fleet, more: Iterable[str] = ()) -> dict[str, Route]:
    """Of every package that has instances, versions or a document, and of *more*."""
    members: dict[str, list[Instance]] = defaultdict(list)
    for one in fleet.instances:
        members[one.package].append(one)
    packages = members.keys() | fleet.versions.keys() | decided.traffic.keys() | set(more)
    return {package: _route(package, decided, fleet, members.get(package, ())) for package in sorted(packages)}


def is_drained(decided: Decided, host: str) -> bool:
    """Nothing new goes there."""
    return host in decided.hosts and decided.hosts[host].state is HostState.DRAIN


def order_of(fleet: Fleet, package: str, version: str) -> int:
    """Its place in the order of registration; after all others when it is not registered."""
    known = fleet.versions.get(package, ())
    return known.index(version) if version in known else _UNREGISTERED


def _route(package: str, decided: Decided, fleet: Fleet, instances: Iterable[Instance]) -> Route:
    crowds: dict[str, list[Instance]] = defaultdict(list)
    for one in instances:
        host = fleet.hosts.get(one.host)
        if one.ready and (host is None or host.alive) and not is_drained(decided, one.host):
            crowds[one.version].append(one)
    in_order = sorted(crowds, key=lambda version: (order_of(fleet, package, version), version))
    crowd = {version: tuple(crowds[version]) for version in in_order}
    alone = {version: _stand(members, decided) for version, members in crowd.items()}
    traffic = decided.traffic.get(package)
    if traffic is not None:
        given = dict(traffic.weights)
        return Route(package, given, _reaching(traffic, crowd), by_load=False, crowd=crowd, takers=alone)
    serving = serving_versions(
        {version: order_of(fleet, package, version) for version in crowd}, decided.settings.new_versions
    )
    by_load = decided.settings.new_versions is NewVersions.SHARE and len(serving) > 1
    if not by_load:
        given = dict.fromkeys(crowd, 0) | dict.fromkeys(serving, WHOLE)
        takers = {version: alone[version] for version in serving}
        return Route(package, given, given, by_load=False, crowd=crowd, takers=takers)
    together = _stand([one for version in serving for one in crowd[version]], decided)
    given = _by_slots(serving, together)
    takers = {version: tuple(one for one in together if one.version == version) for version in serving}
    return Route(package, given, given, by_load=True, crowd=crowd, takers=takers)


def _stand(members: Sequence[Instance], decided: Decided) -> Members:
    """Whom brokers choose from: of avoided hosts only when none of the others is well."""
    usual = [one for one in members if one.host not in decided.hosts]
    well = [one for one in usual if not one.failing]
    return _fit(usual) if well or len(usual) == len(members) else _fit(members)


def _fit(members: Sequence[Instance]) -> Members:
    well = tuple(one for one in members if not one.failing)
    return tuple(members) if panics(len(well), len(members)) else well


def _reaching(traffic: Traffic, crowd: Mapping[str, Members]) -> dict[str, int]:
    routed = dict.fromkeys(dict(traffic.weights), 0)
    for version, parts in traffic.weights:
        routed[version if version in crowd else traffic.stable] += parts
    return routed


def _by_slots(versions: Sequence[str], members: Members) -> dict[str, int]:
    slots = {version: sum(max(1, one.slots) for one in members if one.version == version) for version in versions}
    whole = max(1, sum(slots.values()))
    given = {version: WHOLE * count // whole for version, count in slots.items()}
    given[versions[0]] += WHOLE - sum(given.values())
    return given
