"""A small fleet, request by request with seeded dice, and the picture that its brokers and agents would give of it.

Who calls somebody that fails fails too, and who waits is slow: symptoms come about as they do in a real fleet, so a
test plants the cause alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import log
from random import Random
from typing import Any

from h2o_core.control.traffic import Traffic
from h2o_core.histogram import Histogram
from h2o_core.insights.counts import Counts
from h2o_core.insights.picture import Call, Control, Host, Instance, Measured, Picture, Served, Vitals

NOW_S = 1_800_000_000.0
DEADLINE_MS = 1000.0
_BAD = {"INTERNAL", "TIMEOUT", "OVERLOADED", "NO_ROUTE", "UNAVAILABLE"}


@dataclass(frozen=True)
class Version:
    """Where it runs, and its part of the package's requests."""

    hosts: tuple[str, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Package:
    """One feature, ``/x/get``. `promise_ms`: its upper95."""

    versions: Mapping[str, Version]
    own_ms: float
    calls: tuple[str, ...] = ()
    promise_ms: float = 0.0
    outcomes: Mapping[str, float] = field(default_factory=lambda: {"INTERNAL": 0.0005})


@dataclass(frozen=True)
class Place:
    """Where a request is: what a fault may ask for."""

    package: str
    version: str
    host: str
    caller: str
    caller_host: str


@dataclass
class Effect:
    """What becomes of it: `lost` of them on the way, durations times `factor`, outcomes by chance; `also` called."""

    factor: float = 1.0
    lost: float = 0.0
    outcomes: Mapping[str, float] = field(default_factory=dict[str, float])
    also: tuple[str, ...] = ()


Fault = Callable[[Place], Effect | None]

HOSTS = tuple(f"host-{at}" for at in range(1, 7))
WORLD: dict[str, Package] = {
    "/api/website": Package({"1.4.0": Version(HOSTS[:3])}, 2.0, ("/orchestration/booking",), 120.0),
    "/orchestration/booking": Package(
        {"2.0.0": Version(HOSTS[:4])}, 4.0, ("/service/customer", "/service/payment", "/service/geo"), 80.0
    ),
    "/service/customer": Package({"2.3.1": Version(HOSTS)}, 5.0, (), 15.0),
    "/service/payment": Package({"3.0.0": Version(HOSTS[1:5])}, 12.0, (), 30.0),
    "/service/geo": Package({"1.1.3": Version(HOSTS)}, 3.0, (), 10.0),
    "/service/notify": Package({"0.9.2": Version(("host-1", "host-6"))}, 6.0, (), 20.0),
}


@dataclass
class Tally:
    """One line of somebody's counters."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    times: Histogram = field(default_factory=Histogram)

    def add(self, code: str, ms: float) -> None:
        self.outcomes[code] += 1
        self.times.record(round(ms * 1e6))

    def counts(self, span_s: float) -> Counts:
        return Counts(dict(self.outcomes), self.times, span_s)


class Run:
    """A span of time: requests from outside to `/api/website`, and operators who call `/service/notify`."""

    def __init__(self, world: Mapping[str, Package], faults: tuple[Fault, ...], dice: Random) -> None:
        self.world = world
        self.faults = faults
        self.dice = dice
        self.served: defaultdict[tuple[str, str, str], Tally] = defaultdict(Tally)
        self.calls: defaultdict[tuple[str, str, str, str], Tally] = defaultdict(Tally)

    def requests(self, count: int) -> None:
        for at in range(count):
            self.request("/api/website", "gateway", "", self.dice.choice(HOSTS[:2]))
            if at % 4 == 0:
                self.request("/service/notify", "operator", "", self.dice.choice(HOSTS))

    def request(self, name: str, caller: str, caller_version: str, caller_host: str) -> tuple[str, float]:
        package = self.world[name]
        version = self._version(package)
        hosts = package.versions[version].hosts if version else ()
        if not hosts:
            code, ms = "NO_ROUTE", 0.05
        else:
            stays = caller_host in hosts and self.dice.random() < 0.5
            host = caller_host if stays else self.dice.choice(hosts)
            place = Place(name, version, host, caller, caller_host)
            effects = [effect for fault in self.faults if (effect := fault(place)) is not None]
            if self.dice.random() < sum(effect.lost for effect in effects):
                code, ms = "UNAVAILABLE", 0.05
            else:
                code, ms = self._serve(place, package, effects)
                self.served[name, version, host].add(code, ms)
                ms += 0.2
        self.calls[caller, caller_version, f"{name}/get", caller_host].add(code, ms)
        return code, ms

    def _version(self, package: Package) -> str:
        known = {version: each for version, each in package.versions.items() if each.weight}
        return self.dice.choices(list(known), [each.weight for each in known.values()])[0] if known else ""

    def _serve(self, place: Place, package: Package, effects: list[Effect]) -> tuple[str, float]:
        ms = self.dice.lognormvariate(log(package.own_ms), 0.3)
        calls = package.calls
        chances = Counter(dict(package.outcomes))
        for effect in effects:
            ms *= effect.factor
            calls += effect.also
            chances.update(effect.outcomes)
        code = self._outcome(chances)
        if code == "OVERLOADED":
            return code, 0.05
        for callee in calls:
            got, waited_ms = self.request(callee, place.package, place.version, place.host)
            ms += waited_ms
            if got in _BAD:
                code = "INTERNAL"
                break
        return ("TIMEOUT", DEADLINE_MS) if ms > DEADLINE_MS else (code, ms)

    def _outcome(self, chances: Mapping[str, float]) -> str:
        roll = self.dice.random()
        for code, chance in chances.items():
            roll -= chance
            if roll < 0:
                return code
        return "OK"


@cache
def _ordinary(seed: int, requests: int) -> Run:
    run = Run(WORLD, (), Random(seed))
    run.requests(requests)
    return run


def _run(world: Mapping[str, Package], faults: tuple[Fault, ...], seed: int, requests: int) -> Run:
    if world is WORLD and not faults:
        return _ordinary(seed, requests)
    run = Run(world, faults, Random(seed))
    run.requests(requests)
    return run


def picture(
    world: Mapping[str, Package] = WORLD,
    *faults: Fault,
    seed: int = 1,
    before_world: Mapping[str, Package] | None = None,
    before_faults: tuple[Fault, ...] = (),
    requests: int = 600,
    before_requests: int | None = None,
) -> Picture:
    """A minute of it, and two minutes some time before; everybody says everything."""
    past = 2 * requests if before_requests is None else before_requests
    before = _run(before_world or world, before_faults, seed + 10_000, past)
    now = _run(world, faults, seed, requests)
    names = sorted({*now.served, *before.served})
    return Picture(
        now_s=NOW_S,
        hosts=tuple(map(well, HOSTS)),
        instances=tuple(instances(world)),
        served=tuple(
            Served(*name, now.served[name].counts(60.0), before.served[name].counts(120.0) if before.served else None)
            for name in names
        ),
        measured=tuple(
            Measured(f"{package}/get", version, host, tally.counts(60.0), None, world[package].promise_ms or None)
            for (package, version, host), tally in sorted(now.served.items())
            if package in world
        ),
        calls=tuple(
            Call(*name, now.calls[name].counts(60.0), before.calls[name].counts(120.0) if before.calls else None)
            for name in sorted({*now.calls, *before.calls})
        ),
        peaks={name: sum(len(each.hosts) for each in package.versions.values()) for name, package in world.items()},
        control=Control(41),
    )


def well(name: str) -> Host:
    zone = "a" if name < "host-4" else "b"
    vitals = Vitals(cpu_pct=35.0, steal_pct=0.5, memory_pct=60.0, disk_pct=40.0, clock_skew_s=0.01)
    return Host(name, zone, 0.4, link="up", register="registered", epoch=41, register_state="connected", vitals=vitals)


def instances(world: Mapping[str, Package]) -> list[Instance]:
    return [
        Instance(
            f"{abs(hash((name, version, host))):016x}",
            name,
            version,
            host,
            "ready",
            "ok",
            routable=bool(each.weight),
            up_s=3600.0,
        )
        for name, package in sorted(world.items())
        for version, each in package.versions.items()
        for host in each.hosts
    ]


def with_version(package: str, version: str, hosts: tuple[str, ...], weight: float) -> dict[str, Package]:
    """The world with one more version of a package."""
    old = WORLD[package]
    kept = {name: replace(each, weight=1 - weight) for name, each in old.versions.items()}
    return {**WORLD, package: replace(old, versions={**kept, version: Version(hosts, weight)})}


def traffic(package: str, weights: Mapping[str, int], **more: Any) -> Traffic:
    return Traffic(package, next(iter(weights)), tuple(weights.items()), **more)


def decided(before: Picture, *documents: Traffic, **more: Any) -> Picture:
    """The same with these traffic documents, and whatever else of control."""
    control = before.control or Control(41)
    return replace(before, control=replace(control, traffic={one.package: one for one in documents}, **more))


def at_host(before: Picture, name: str, **more: Any) -> Picture:
    """The same with one host another."""
    hosts = tuple(replace(one, **more) if one.name == name else one for one in before.hosts)
    return replace(before, hosts=hosts)
