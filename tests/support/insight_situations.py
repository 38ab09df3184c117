"""Situations that were planted, each with the cause that is to be named first, and what is to be done about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from h2o_core.control.hosts import HostControl, HostState
from h2o_core.insights.counts import Counts
from h2o_core.insights.finding import Kind, Subject
from h2o_core.insights.picture import Alarm, Call, Changed, Child, Picture, Pool, Vitals, Waiting
from tests.support.insight_world import (
    HOSTS,
    NOW_S,
    WORLD,
    Effect,
    Fault,
    Package,
    Place,
    Version,
    at_host,
    decided,
    picture,
    traffic,
    with_version,
)

WEBSITE, BOOKING = "/api/website", "/orchestration/booking"
CUSTOMER, PAYMENT, GEO, NOTIFY = "/service/customer", "/service/payment", "/service/geo", "/service/notify"


@dataclass(frozen=True)
class Planted:
    """What was done (`make` with a seed), which cause is expected, and how its action's command begins."""

    name: str
    make: Callable[[int], Picture]
    kind: Kind
    subject: Subject
    command: str


def only(effect: Effect, **where: str) -> Fault:
    """That effect wherever all that is named is so."""

    def fault(place: Place) -> Effect | None:
        return effect if all(getattr(place, key) == value for key, value in where.items()) else None

    return fault


def failing(share: float, code: str = "INTERNAL") -> Effect:
    return Effect(outcomes={code: share})


CANARY = with_version(CUSTOMER, "2.4.0", ("host-1", "host-2", "host-3"), 0.2)
GEO_HALF = with_version(GEO, "1.2.0", HOSTS, 0.5)
REPLACED: dict[str, Package] = {
    **WORLD,
    CUSTOMER: replace(WORLD[CUSTOMER], versions={"2.3.1": Version(HOSTS, 0.0), "2.4.0": Version(HOSTS, 1.0)}),
}
GONE: dict[str, Package] = {**WORLD, GEO: replace(WORLD[GEO], versions={"1.1.3": Version((), 1.0)})}
UNPAID: dict[str, Package] = {**WORLD, PAYMENT: replace(WORLD[PAYMENT], versions={"3.0.0": Version((), 1.0)})}
NEW_BOOKING = with_version(BOOKING, "2.1.0", HOSTS[:4], 0.2)


def _slow_callee(seed: int) -> Picture:
    seen = picture(
        WORLD, only(Effect(8.0), package=PAYMENT), only(failing(0.1, "OVERLOADED"), package=BOOKING), seed=seed
    )
    queues = (Waiting(BOOKING, "2.0.0", "host-1", 12, {WEBSITE: 20}),)
    return replace(seen, waiting=queues)


def _gone(package: str, world: dict[str, Package], seed: int) -> Picture:
    seen = picture(world, seed=seed, before_world=WORLD)
    return replace(seen, peaks={**seen.peaks, package: 4})


def _crashed(seed: int) -> Picture:
    children = tuple(
        Child(
            f"service.payment-1f{at}-1",
            PAYMENT,
            f"host-{at}",
            "backoff",
            3.0,
            7,
            crash_loops=True,
            why="exit code 1 (no such database)",
            registered=False,
        )
        for at in range(2, 6)
    )
    return replace(_gone(PAYMENT, UNPAID, seed), children=children)


def _panic(seed: int) -> Picture:
    seen = picture(WORLD, only(failing(0.6), package=PAYMENT), seed=seed)
    ejected = {"host-2", "host-3", "host-4"}
    instances = tuple(
        replace(one, verdict="ejected", why="in spite of this: ejected")
        if one.package == PAYMENT and one.host in ejected
        else one
        for one in seen.instances
    )
    return replace(seen, instances=instances, pools=(Pool(PAYMENT, "3.0.0", 1, 4, panic=True),))


def _ejected_in_turn(seed: int) -> Picture:
    """Of a bad version one instance is out, the one that failed most; its other one fails as well."""
    bad = with_version(CUSTOMER, "2.4.0", ("host-1", "host-2"), 0.5)

    def fault(place: Place) -> Effect | None:
        if (place.package, place.version) != (CUSTOMER, "2.4.0"):
            return None
        return failing(0.4 if place.host == "host-1" else 0.3)

    seen = picture(bad, fault, seed=seed)
    instances = tuple(
        replace(one, verdict="ejected", why="ejected: 60% of 146 requests in 10 s succeeded")
        if (one.package, one.version, one.host) == (CUSTOMER, "2.4.0", "host-1")
        else one
        for one in seen.instances
    )
    return replace(seen, instances=instances)


def _newcomer(seed: int) -> Picture:
    return picture(with_version(CUSTOMER, "2.4.0", ("host-1", "host-2"), 0.0), seed=seed)


def _last_one(seed: int) -> Picture:
    world = {**WORLD, NOTIFY: replace(WORLD[NOTIFY], versions={"0.9.2": Version(("host-1",))})}
    seen = picture(world, seed=seed, before_world=WORLD)
    return replace(seen, peaks={**seen.peaks, NOTIFY: 2})


def _zookeeper(seed: int) -> Picture:
    seen = picture(seed=seed)
    hosts = tuple(replace(one, register_state="silent", register_silent_s=14.0, behind_s=9.0) for one in seen.hosts)
    return replace(seen, hosts=hosts)


def _tiers(seed: int) -> Picture:
    seen = picture(seed=seed)
    refused = Call(CUSTOMER, "2.3.1", f"{GEO}/get", "host-1", Counts({"FORBIDDEN": 40}, span_s=60.0), breaches=40)
    return replace(seen, calls=(*seen.calls, refused))


def _unregistered(seed: int) -> Picture:
    child = Child("service.geo-77aa-1", GEO, "host-2", "running", 90.0, registered=False)
    return replace(picture(seed=seed), children=(child,))


def _passed_over(seed: int) -> Picture:
    seen = picture(seed=seed)
    lost = next(one for one in seen.instances if (one.package, one.host) == (GEO, "host-2"))
    return replace(
        seen, instances=tuple(replace(one, routable=False) if one == lost else one for one in seen.instances)
    )


def _stale(seed: int) -> Picture:
    """Registered, and its host does not know it."""
    seen = picture(seed=seed)
    lost = next(one for one in seen.instances if (one.package, one.host) == (GEO, "host-2"))
    return replace(
        seen, instances=tuple(replace(one, known_there=False) if one == lost else one for one in seen.instances)
    )


def _alarm(seed: int) -> Picture:
    path = "/h2o/demo/control/fleet"
    alarms = tuple(
        Alarm(host, "document", path, NOW_S - 40, "schema 2 is newer than the 1 that is read") for host in HOSTS
    )
    return replace(picture(seed=seed), alarms=alarms)


def _silent(link: str, seed: int) -> Picture:
    return at_host(picture(seed=seed), "host-6", age_s=40.0, link=link, why="no answer within 2 s", vitals=None)


def controlled(state: HostState, left_s: float, seed: int) -> Picture:
    control = HostControl("host-6", state, "eva", "disk swap", NOW_S - 3000, NOW_S + left_s)
    return decided(picture(seed=seed), hosts={"host-6": control})


def _reviewed(seed: int) -> Picture:
    document = traffic(CUSTOMER, {"2.3.1": 10_000}, owner="eva", review_s=NOW_S - 600)
    return decided(picture(seed=seed), document)


def _changed_weights(seed: int) -> Picture:
    seen = picture(CANARY, only(failing(0.15), package=CUSTOMER, version="2.4.0"), seed=seed, before_world=WORLD)
    change = Changed(41, NOW_S - 120, ("control/traffic/service.customer",), "eva", "gives 2.4.0 20%")
    return decided(seen, traffic(CUSTOMER, {"2.3.1": 8_000, "2.4.0": 2_000}), changes=(change,))


PLANTED: tuple[Planted, ...] = (
    Planted(
        "a canary fails",
        _changed_weights,
        Kind.VERSION,
        Subject(CUSTOMER, "2.4.0"),
        "h2o rollback service/customer --to 2.3.1",
    ),
    Planted(
        "a canary fails five points more",
        lambda seed: picture(
            CANARY,
            only(failing(0.05), package=CUSTOMER, version="2.4.0"),
            seed=seed,
            before_world=WORLD,
            requests=1500,
        ),
        Kind.VERSION,
        Subject(CUSTOMER, "2.4.0"),
        "h2o rollback service/customer --to 2.3.1",
    ),
    Planted(
        "a bad version, of which one instance is ejected",
        _ejected_in_turn,
        Kind.VERSION,
        Subject(CUSTOMER, "2.4.0"),
        "h2o rollback service/customer --to 2.3.1",
    ),
    Planted(
        "a version at half is slow",
        lambda seed: picture(GEO_HALF, only(Effect(6.0), package=GEO, version="1.2.0"), seed=seed, before_world=WORLD),
        Kind.VERSION,
        Subject(GEO, "1.2.0"),
        "h2o rollback service/geo --to 1.1.3",
    ),
    Planted(
        "a version that has replaced the other fails",
        lambda seed: picture(
            REPLACED, only(failing(0.1), package=CUSTOMER, version="2.4.0"), seed=seed, before_world=WORLD
        ),
        Kind.VERSION,
        Subject(CUSTOMER, "2.4.0"),
        "h2o rollback service/customer --to 2.3.1",
    ),
    Planted(
        "a version declares errors",
        lambda seed: picture(
            CANARY, only(failing(0.3, "APPLICATION"), package=CUSTOMER, version="2.4.0"), seed=seed, before_world=WORLD
        ),
        Kind.VERSION,
        Subject(CUSTOMER, "2.4.0"),
        "h2o rollback service/customer --to 2.3.1",
    ),
    Planted(
        "the old version fails beside the new one",
        lambda seed: picture(
            GEO_HALF, only(failing(0.12), package=GEO, version="1.1.3"), seed=seed, before_world=WORLD
        ),
        Kind.VERSION,
        Subject(GEO, "1.1.3"),
        "h2o weight service/geo 1.2.0=100%",
    ),
    Planted(
        "a new version calls what is broken",
        lambda seed: picture(
            NEW_BOOKING,
            lambda place: Effect(also=(NOTIFY,)) if (place.package, place.version) == (BOOKING, "2.1.0") else None,
            only(failing(0.4), package=NOTIFY),
            seed=seed,
            before_world=WORLD,
        ),
        Kind.FAILING,
        Subject(NOTIFY),
        "h2o logs service/notify",
    ),
    Planted(
        "a host is slow in all it does",
        lambda seed: at_host(
            picture(WORLD, only(Effect(5.0), host="host-3"), seed=seed),
            "host-3",
            vitals=Vitals(cpu_pct=99.0, steal_pct=45.0),
        ),
        Kind.HOST,
        Subject(host="host-3"),
        "h2o drain host-3",
    ),
    Planted(
        "a host fails in all it does",
        lambda seed: picture(WORLD, only(failing(0.2), host="host-5"), seed=seed),
        Kind.HOST,
        Subject(host="host-5"),
        "h2o drain host-5",
    ),
    Planted(
        "a host reaches nobody",
        lambda seed: picture(
            WORLD, lambda place: Effect(lost=0.2) if place.caller_host == "host-2" != place.host else None, seed=seed
        ),
        Kind.HOST,
        Subject(host="host-2"),
        "h2o drain host-2",
    ),
    Planted(
        "one instance is slow",
        lambda seed: picture(WORLD, only(Effect(9.0), package=GEO, host="host-4"), seed=seed),
        Kind.INSTANCE,
        Subject(GEO, "1.1.3", "host-4"),
        "h2o avoid host-4",
    ),
    Planted(
        "one instance fails",
        lambda seed: picture(WORLD, only(failing(0.3), package=CUSTOMER, host="host-2"), seed=seed),
        Kind.INSTANCE,
        Subject(CUSTOMER, "2.3.1", "host-2"),
        "h2o avoid host-2",
    ),
    Planted(
        "a service is slow, its callers with it",
        lambda seed: picture(WORLD, only(Effect(8.0), package=PAYMENT), seed=seed),
        Kind.SLOW,
        Subject(PAYMENT),
        "h2o stats",
    ),
    Planted(
        "a service fails, its callers with it",
        lambda seed: picture(WORLD, only(failing(0.2), package=PAYMENT), seed=seed),
        Kind.FAILING,
        Subject(PAYMENT),
        "h2o logs service/payment",
    ),
    Planted(
        "a service times out",
        lambda seed: picture(WORLD, only(Effect(200.0), package=GEO), seed=seed),
        Kind.FAILING,
        Subject(GEO),
        "h2o logs service/geo",
    ),
    Planted("a service is gone", lambda seed: _gone(GEO, GONE, seed), Kind.GONE, Subject(GEO), "h2o list service/geo"),
    Planted("a service crashes everywhere", _crashed, Kind.CRASHES, Subject(PAYMENT), "h2o logs host-"),
    Planted(
        "too few slots",
        lambda seed: picture(WORLD, only(failing(0.15, "OVERLOADED"), package=BOOKING), seed=seed),
        Kind.STARVED,
        Subject(BOOKING),
        "h2o stats",
    ),
    Planted("too few slots, since a service is slow", _slow_callee, Kind.SLOW, Subject(PAYMENT), "h2o stats"),
    Planted(
        "a promise that was never kept",
        lambda seed: picture({**WORLD, GEO: replace(WORLD[GEO], promise_ms=2.0)}, seed=seed),
        Kind.PROMISE,
        Subject(GEO, "1.1.3", feature=f"{GEO}/get"),
        "h2o stats",
    ),
    Planted(
        "declared errors are up",
        lambda seed: picture(WORLD, only(failing(0.25, "APPLICATION"), package=CUSTOMER), seed=seed),
        Kind.APPLICATION,
        Subject(CUSTOMER),
        "h2o stats --by version",
    ),
    Planted("most instances are out", _panic, Kind.FAILING, Subject(PAYMENT), "h2o logs service/payment"),
    Planted(
        "a new version waits",
        _newcomer,
        Kind.NEWCOMER,
        Subject(CUSTOMER, "2.4.0"),
        "h2o weight service/customer 2.4.0=5%",
    ),
    Planted(
        "one instance left", _last_one, Kind.LAST_ONE, Subject(NOTIFY, "0.9.2", "host-1"), "h2o list service/notify"
    ),
    Planted(
        "an agent is silent",
        lambda seed: _silent("up", seed),
        Kind.SILENT,
        Subject(host="host-6"),
        "h2o describe host-6",
    ),
    Planted(
        "a host is dead", lambda seed: _silent("suspect", seed), Kind.SILENT, Subject(host="host-6"), "h2o drain host-6"
    ),
    Planted(
        "a broker is down",
        lambda seed: at_host(
            picture(seed=seed), "host-4", broker_problem="exit code 1; again in 4 s", broker_crashes=5
        ),
        Kind.BROKER,
        Subject(host="host-4"),
        "h2o logs host-4/broker",
    ),
    Planted(
        "keys don't fit",
        lambda seed: at_host(picture(seed=seed), "host-4", link="refused"),
        Kind.LINK,
        Subject(host="host-4"),
        "h2o drain host-4",
    ),
    Planted("ZooKeeper is away", _zookeeper, Kind.REGISTER, Subject(), "h2o doctor"),
    Planted(
        "one broker lost ZooKeeper",
        lambda seed: at_host(
            picture(seed=seed), "host-2", register_state="silent", register_silent_s=12.0, behind_s=5.0
        ),
        Kind.REGISTER,
        Subject(host="host-2"),
        "h2o doctor",
    ),
    Planted(
        "a broker is behind",
        lambda seed: at_host(picture(seed=seed), "host-3", epoch=39, behind_s=8.0),
        Kind.EPOCH,
        Subject(host="host-3"),
        "h2o describe host-3",
    ),
    Planted(
        "a broker that nobody has registered",
        lambda seed: at_host(picture(seed=seed), "host-3", register="kept"),
        Kind.EPOCH,
        Subject(host="host-3"),
        "h2o describe host-3",
    ),
    Planted(
        "a document is damaged", _alarm, Kind.ALARM, Subject(path="/h2o/demo/control/fleet"), "h2o describe host-1"
    ),
    Planted(
        "a clock is off",
        lambda seed: at_host(picture(seed=seed), "host-2", vitals=Vitals(clock_skew_s=-2.4)),
        Kind.CLOCK,
        Subject(host="host-2"),
        "h2o describe host-2",
    ),
    Planted(
        "a disk is full",
        lambda seed: at_host(picture(seed=seed), "host-2", vitals=Vitals(disk_pct=98.5)),
        Kind.CAPACITY,
        Subject(host="host-2"),
        "h2o avoid host-2",
    ),
    Planted("a review is due", _reviewed, Kind.REVIEW, Subject(CUSTOMER), "h2o extend service/customer"),
    Planted(
        "an avoid ends soon",
        lambda seed: controlled(HostState.AVOID, 300, seed),
        Kind.AVOID_ENDS,
        Subject(host="host-6"),
        "h2o extend host-6",
    ),
    Planted(
        "a service calls a service", _tiers, Kind.TIERS, Subject(GEO, caller=CUSTOMER), "h2o describe service/customer"
    ),
    Planted(
        "a process never registers",
        _unregistered,
        Kind.DRIFT,
        Subject(GEO, host="host-2", instance="service.geo-77aa-1"),
        "h2o logs host-2/service.geo-77aa-1",
    ),
    Planted("an instance is passed over", _passed_over, Kind.DRIFT, Subject(GEO, "1.1.3", "host-2"), "h2o describe"),
    Planted("an instance that is none", _stale, Kind.DRIFT, Subject(GEO, "1.1.3", "host-2"), "h2o describe"),
)


TWO_AT_ONCE: dict[str, tuple[Callable[[int], Picture], set[tuple[Kind, str]]]] = {
    "a service fails, a host is slow": (
        lambda seed: picture(WORLD, only(failing(0.2), package=PAYMENT), only(Effect(5.0), host="host-6"), seed=seed),
        {(Kind.HOST, "host-6"), (Kind.FAILING, "service/payment")},
    ),
    "a canary fails, another service is slow": (
        lambda seed: picture(
            CANARY,
            only(failing(0.15), package=CUSTOMER, version="2.4.0"),
            only(Effect(8.0), package=GEO),
            seed=seed,
            before_world=WORLD,
        ),
        {(Kind.VERSION, "service/customer 2.4.0"), (Kind.SLOW, "service/geo")},
    ),
    "two services fail, one caller has both": (
        lambda seed: picture(
            WORLD, only(failing(0.1), package=CUSTOMER), only(failing(0.1), package=PAYMENT), seed=seed
        ),
        {(Kind.FAILING, "service/customer"), (Kind.FAILING, "service/payment")},
    ),
}
"""Independent causes, and all that is to be named as one."""
