"""One package before and after a change, and what a guard asks of that. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import WHOLE
from h2o_core.names import shown
from h2o_core.plan.effects import need_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from h2o_core.plan.effects import Need
    from h2o_core.plan.routes import Members, Route
    from h2o_core.plan.situation import Decided, Fleet, Instance

FAILING_POINTS: Final = 0.05
"""A version fails when so much more of its requests end in errors than of the best other version's."""


@dataclass(frozen=True, slots=True)
class Group:
    """Those that share what they are given: a version's takers, or all that compete by load.

    `subject`: what it is called. `parts` out of 10,000 reach it. `smaller`: somebody who could be counted on is lost,
    or it has to take what was another version's without being given it. `rising`: it is given more.
    """

    subject: str
    parts: int
    takers: Members
    smaller: bool
    rising: bool


class Turn:
    """From the route *was* to the route *will*."""

    def __init__(self, fleet: Fleet, was: Route, will: Route) -> None:
        self.was = was
        self.will = will
        self.name = shown(was.package)
        self._fleet = fleet

    @property
    def least(self) -> int:
        """How many instances its author wants at least; 0 when nobody said."""
        return self._fleet.min_available.get(self.was.package, 0)

    @cached_property
    def need(self) -> Need:
        """What it has needed."""
        return need_of(self._fleet, self.was)

    @cached_property
    def lost(self) -> Members:
        """Instances that could be counted on, and that brokers would not choose any more whatever is given."""
        crowd = {one.id for members in self.will.crowd.values() for one in members}
        takers = {one.id for members in self.will.takers.values() for one in members}
        return tuple(
            one
            for members in self.was.takers.values()
            for one in members
            if not one.failing
            and one.id not in takers
            and (one.id not in crowd or self.will.routed.get(one.version, 0))
        )

    @cached_property
    def flight(self) -> bool:
        """A failing version gets less than before."""
        failing = failing_versions(self._fleet, self.was)
        return any(self.will.given.get(version, 0) < self.was.given.get(version, 0) for version in failing)

    @cached_property
    def rising(self) -> bool:
        """Some version is given more than before."""
        return any(parts > self.was.given.get(version, 0) for version, parts in self.will.given.items())

    def left(self) -> Collection[str]:
        """The failing versions."""
        return failing_versions(self._fleet, self.was)

    def certain(self, members: Iterable[Instance]) -> Members:
        """Those that can be counted on and of which something is known now; the others count as nothing."""
        return tuple(one for one in members if not one.failing and self._fresh(one))

    def silent(self, members: Iterable[Instance]) -> str:
        """The hosts of those of which nothing is known now, by name."""
        return ", ".join(sorted({one.host for one in members if not self._fresh(one)}))

    def groups(self) -> list[Group]:
        """Who gets anything afterwards."""
        will = self.will
        if will.by_load:
            takers = tuple(one for members in will.takers.values() for one in members)
            return [Group(self.name, WHOLE, takers, smaller=bool(self.lost), rising=False)]
        return [self._group(version, parts) for version, parts in will.routed.items() if parts]

    def _group(self, version: str, parts: int) -> Group:
        was, will = self.was, self.will
        rising = will.given.get(version, 0) > was.given.get(version, 0)
        inherits = parts > was.routed.get(version, 0) and not rising
        return Group(
            f"{self.name} {version}",
            parts,
            will.takers.get(version, ()),
            smaller=inherits or any(one.version == version for one in self.lost),
            rising=rising,
        )

    def _fresh(self, one: Instance) -> bool:
        host = self._fleet.hosts.get(one.host)
        return host is not None and host.fresh


def failing_versions(fleet: Fleet, route: Route) -> frozenset[str]:
    """Versions without an instance that does not fail, or with 5 points more errors than the best other one."""
    shares = {
        version: demand.error_share
        for (package, version), demand in fleet.demand.items()
        if package == route.package and demand.error_share is not None
    }
    served = dict.fromkeys(route.given, ()) | dict(route.crowd)
    found = {version for version, members in served.items() if all(one.failing for one in members)}
    for version, share in shares.items():
        others = [other for name, other in shares.items() if name != version]
        if share >= min(others, default=0.0) + FAILING_POINTS:
            found.add(version)
    return frozenset(found)


def turns_of(
    before: Decided, after: Decided, was: Mapping[str, Route], will: Mapping[str, Route], fleet: Fleet
) -> Iterator[Turn]:
    """The packages to which it makes a difference: another route, or a host that is said something else of."""
    hosts = {host for host in (*before.hosts, *after.hosts) if before.hosts.get(host) != after.hosts.get(host)}
    there = {one.package for one in fleet.instances if one.host in hosts}
    for package, route in was.items():
        if package in there or route != will[package]:
            yield Turn(fleet, route, will[package])


@dataclass(frozen=True, slots=True)
class Case:
    """What guards judge: everything decided before and after, and the packages to which it makes a difference."""

    fleet: Fleet
    before: Decided
    after: Decided
    turns: tuple[Turn, ...]
