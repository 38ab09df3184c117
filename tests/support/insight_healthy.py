"""Healthy fleets that look suspicious: noise, deploys, decisions, the night; none of them is to make a finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from h2o_core.control.hosts import HostControl, HostState
from h2o_core.insights.counts import Counts
from h2o_core.insights.picture import Child, Picture, Vitals
from tests.support.insight_situations import CANARY, CUSTOMER, GEO, GEO_HALF, NOTIFY, REPLACED, controlled, failing
from tests.support.insight_world import (
    HOSTS,
    NOW_S,
    WORLD,
    Effect,
    Place,
    Version,
    at_host,
    decided,
    picture,
    traffic,
    well,
    with_version,
)


def _hosts(change: Callable[[Picture], Picture]) -> Callable[[int], Picture]:
    return lambda seed: change(picture(seed=seed))


def _pauses(seed: int) -> Callable[[Place], Effect | None]:
    """One in a hundred requests takes ten times as long."""
    count = seed

    def fault(_place: Place) -> Effect | None:
        nonlocal count
        count += 1
        return Effect(10.0) if count % 97 == 0 else None

    return fault


def _uneven(place: Place) -> Effect:
    """Older servers are a quarter slower."""
    return Effect(1.25 if place.host in {"host-5", "host-6"} else 1.0)


def _far(place: Place) -> Effect:
    """Another zone is half a millisecond away."""
    return Effect(1.15 if (place.host < "host-4") != (place.caller_host < "host-4") else 1.0)


def _rolling(seed: int) -> Picture:
    """A deploy is under way: one leaves, one starts."""
    seen = picture(GEO_HALF, seed=seed, before_world=WORLD)
    leaving = next(one for one in seen.instances if (one.package, one.host) == (GEO, "host-1"))
    states = tuple(
        replace(one, state="leaving", routable=False, why="it is leaving") if one == leaving else one
        for one in seen.instances
    )
    child = Child("service.geo-9-1", GEO, "host-1", "starting", 4.0, registered=False)
    return replace(seen, instances=states, children=(child,))


def _drained(seed: int) -> Picture:
    world = {
        name: replace(
            package,
            versions={
                v: Version(tuple(h for h in each.hosts if h != "host-4"), each.weight)
                for v, each in package.versions.items()
            },
        )
        for name, package in WORLD.items()
    }
    seen = picture(world, seed=seed, before_world=WORLD)
    idle = tuple(
        replace(one, routable=False, why="its host is drained by eva")
        for one in picture(seed=1, requests=0).instances
        if one.host == "host-4"
    )
    control = HostControl("host-4", HostState.DRAIN, "eva", "kernel", NOW_S - 600, NOW_S + 9000)
    return decided(replace(seen, instances=(*seen.instances, *idle), peaks={}), hosts={"host-4": control})


def _parked(seed: int) -> Picture:
    """Rolled back: the new version stands by with weight 0, as was decided."""
    seen = picture(with_version(CUSTOMER, "2.4.0", HOSTS[:2], 0.0), seed=seed)
    return decided(seen, traffic(CUSTOMER, {"2.3.1": 10_000, "2.4.0": 0}, owner="eva", review_s=NOW_S + 3600))


def _alone(seed: int) -> Picture:
    """A package that never had more than one instance."""
    world = {**WORLD, NOTIFY: replace(WORLD[NOTIFY], versions={"0.9.2": Version(("host-1",))})}
    return picture(world, seed=seed)


def _declared(place: Place) -> Effect | None:
    return failing(0.06, "APPLICATION") if place.package == CUSTOMER else None


def _mistaken(place: Place) -> Effect | None:
    return failing(0.3, "BAD_REQUEST") if place.package == NOTIFY else None


def _newborn(seed: int) -> Picture:
    """A host has joined seconds ago, and was unlucky twice."""
    seen = picture(seed=seed)
    served = replace(seen.served[0], package=GEO, version="1.1.3", host="host-7", now=Counts({"OK": 6, "TIMEOUT": 2}))
    return replace(seen, hosts=(*seen.hosts, replace(well("host-7"), age_s=0.9)), served=(*seen.served, served))


def _unread(seed: int) -> Picture:
    return replace(picture(seed=seed), control=None)


def _no_past(seed: int) -> Picture:
    seen = picture(CANARY, seed=seed)
    served = tuple(replace(one, before=None) for one in seen.served)
    return replace(seen, served=served, calls=tuple(replace(one, before=None) for one in seen.calls), peaks={})


HEALTHY: dict[str, Callable[[int], Picture]] = {
    "an ordinary minute": lambda seed: picture(seed=seed),
    "another ordinary minute": lambda seed: picture(seed=seed + 1000),
    "a quiet night": lambda seed: picture(seed=seed, requests=40),
    "nothing at all": lambda seed: picture(seed=seed, requests=0),
    "three times the traffic": lambda seed: picture(seed=seed, requests=1500, before_requests=1000),
    "a third of the traffic": lambda seed: picture(seed=seed, requests=300, before_requests=1800),
    "background errors": lambda seed: picture(
        WORLD, lambda _: failing(0.001), seed=seed, before_faults=(lambda _: failing(0.001),)
    ),
    "pauses": lambda seed: picture(WORLD, _pauses(seed), seed=seed, before_faults=(_pauses(seed),)),
    "pauses that are new": lambda seed: picture(WORLD, _pauses(seed), seed=seed),
    "older servers": lambda seed: picture(WORLD, _uneven, seed=seed, before_faults=(_uneven,)),
    "another zone": lambda seed: picture(WORLD, _far, seed=seed, before_faults=(_far,)),
    "a fifth slower than before": lambda seed: picture(WORLD, lambda _: Effect(1.2), seed=seed),
    "a canary that is well": lambda seed: picture(CANARY, seed=seed, before_world=WORLD),
    "a canary of one in a hundred": lambda seed: picture(
        with_version(CUSTOMER, "2.4.0", ("host-1",), 0.01), seed=seed, before_world=WORLD
    ),
    "an equal half": lambda seed: picture(GEO_HALF, seed=seed),
    "an equal replacement": lambda seed: picture(REPLACED, seed=seed, before_world=WORLD),
    "a deploy under way": _rolling,
    "a drained host": _drained,
    "a parked version": _parked,
    "one instance as ever": _alone,
    "declared errors as ever": lambda seed: picture(WORLD, _declared, seed=seed, before_faults=(_declared,)),
    "a caller's mistakes": lambda seed: picture(WORLD, _mistaken, seed=seed),
    "a host that has just come": _newborn,
    "control that nobody could read": _unread,
    "no past": _no_past,
    "stats of three seconds ago": _hosts(lambda seen: at_host(seen, "host-2", age_s=3.0)),
    "a change under way": _hosts(lambda seen: at_host(seen, "host-2", epoch=40, behind_s=0.4)),
    "a busy server": _hosts(lambda seen: at_host(seen, "host-2", vitals=Vitals(cpu_pct=99.0, memory_pct=80.0))),
    "a clock as clocks are": _hosts(lambda seen: at_host(seen, "host-2", vitals=Vitals(clock_skew_s=0.12))),
    "a process that starts": _hosts(
        lambda seen: replace(seen, children=(Child("service.geo-1", GEO, "host-2", "starting", 6.0, registered=False),))
    ),
    "an avoid with time left": lambda seed: controlled(HostState.AVOID, 3000, seed),
    "a host that leaves": _hosts(lambda seen: at_host(seen, "host-6", link="leaving", age_s=20.0)),
}
