"""A fleet that stands still with everything that traffic leaves: versions side by side, an hour of history, callers."""

from __future__ import annotations

import math
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from h2o_console.feed.agents import OutOfReach
from h2o_console.store.calls import tier_problem
from h2o_console.store.control import ControlSeen
from h2o_console.store.views import CallView, ChildView, FeatureView
from h2o_core.audit import Author, Edit, Entry
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.actions import look, roll_back
from h2o_core.insights.finding import Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.grouping import Group
from h2o_core.pb.host_pb2 import History, Point, Series, Vitals
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch
from tests.console.still_fleet import HOSTILE, StillFleet, host, hostile, insight_of, instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

NOW_S = 1_770_000_000.0
T = TypeVar("T")


def call(caller: str, feature: str, outcomes: Mapping[str, int], p95_ms: float | None = 12.0) -> CallView:
    package = "/".join(feature.split("/")[:2])
    forbidden = tier_problem(caller, feature)
    breaches = sum(outcomes.values()) if forbidden else 0
    return CallView(caller, "1.0.0", feature, package, outcomes, 4.0, p95_ms, 2, forbidden, breaches)


def busy() -> StillFleet:
    """`api/customer` at two versions, the newer one in trouble; who calls it, and what it calls."""
    fleet = StillFleet()
    for name in ("host-1", "host-2", "host-3"):
        fleet.hosts[name] = host(name, "a")
    running = (("2.3.9", "host-1"), ("2.3.9", "host-2"), ("2.4.0", "host-2"), ("2.4.0", "host-3"))
    for number, (version, on) in enumerate(running, start=1):
        bad = {"OK": 1890, "INTERNAL": 230} if version == "2.4.0" else {"OK": 2760}
        fleet.add(instance(number, "api/customer", version, on, outcomes=bad, up_s=140.0 if number == 4 else 5400.0))
    loop = ChildView(
        "api.customer-9", "backoff", None, None, due_in_s=4.0, failures=3, restarts=3, exit="signal 9", exit_age_s=41.0
    )
    fleet.add(
        replace(
            instance(9, "api/customer", "2.4.0", "host-3", state="backoff", routable=False, outcomes={}, child=loop),
            id="", slots=None, in_flight=None, queued=None, up_s=None, rps=None, p50_ms=None, p95_ms=None,
        )
    )  # fmt: skip
    for number in range(3):
        fleet.add(instance(20 + number, "service/payment", "3.0.1", f"host-{number + 1}"))
    fleet.packages["api/customer"] = replace(fleet.packages["api/customer"], features=_features(), callers={"OK": 9})
    fleet.packages["service/payment"] = replace(
        fleet.packages["service/payment"],
        features=(
            FeatureView("service/payment/charge", "3.0.1", {"OK": 8280}, 4.1, 9.7, 5.0, 90.0, package="service/payment",
                        measured_mean_ms=4.4, instances=3),
        ),
    )  # fmt: skip
    fleet.called = (
        call("operator", "api/customer/retrieve", {"OK": 120}),
        call("orchestration/registration", "api/customer/update", {"OK": 900, "TIMEOUT": 4}, 61.0),
        call("api/customer", "service/payment/charge", {"OK": 8280, "APPLICATION": 80}),
        call("service/payment", "service/ledger/book", {"OK": 8200}),
        call("service/ledger", "service/payment/charge", {"OK": 3}),
    )
    fleet.control = ControlSeen(41, entries=_decided())
    fleet.insight = insight_of(*_found())
    return fleet


def _decided() -> tuple[Entry, ...]:
    """The last changes: the newer version got half when it came, and most of it when it was in trouble."""
    customer, third = "control/traffic/api.customer", "control/hosts/host-3"
    return (
        _entry(41, 610, customer, "api/customer: 2.3.9 50% → 10%, 2.4.0 50% → 90%", "ada", "looks good"),
        _entry(40, 1750, customer, "api/customer: 2.3.9 100% → 50%, 2.4.0 0% → 50%", "eva"),
        _entry(39, 1755, third, "drains host-3 until 03:00", "bob", "INC-512"),
        _entry(38, 2000, "control/traffic/service.payment", "service/payment: 3.0.1 90% → 100%", "eva"),
        _entry(37, 9000, customer, "api/customer: 2.3.9 0% → 100%", "eva"),
    )


def _entry(epoch: int, ago_s: float, path: str, sentence: str, who: str, reason: str = "") -> Entry:
    author = Author(who, "h2o", reason)
    return Entry(epoch, f"{epoch:016x}", NOW_S - ago_s, author, (Edit(path, b"{}", b"{}"),), sentence)


def _found() -> tuple[Group, ...]:
    """What insights would say of it."""
    version = Subject("/api/customer", "2.4.0")
    worse = Finding(
        Kind.VERSION, version, Severity.PAGE,
        "api/customer 2.4.0 is worse: 11 % INTERNAL (of 4,240 requests in 60 s), 2.3.9 0 %", hurt_per_s=7.7,
        trouble=Trouble.ERRORS, action=roll_back("/api/customer", "2.3.9"),
    )  # fmt: skip
    promise = Finding(
        Kind.PROMISE, version._replace(feature="/api/customer/retrieve"), Severity.TICKET,
        "api/customer/retrieve 2.4.0 does not keep its promise: p95 402 ms, promised 120 ms", hurt_per_s=1.2,
    )  # fmt: skip
    crashes = Finding(
        Kind.CRASHES, Subject("/api/customer", host="host-3"), Severity.TICKET,
        "api/customer crashes again and again on host-3 (3 in a row); 4 instances of it ready",
        action=look("h2o logs {}", "host-3/api.customer-9", sentence="read its last words"),
    )  # fmt: skip
    tiers = Finding(
        Kind.TIERS, Subject("/api/customer", caller="/orchestration/registration"), Severity.TICKET,
        "904 calls in 60 s are against the tier rules, refused: orchestration may not call api", hurt_per_s=0.5,
        action=look("h2o describe {}", "orchestration/registration", sentence="see what it calls"),
    )  # fmt: skip
    return Group(worse, (promise,)), Group(crashes), Group(tiers)


def _features() -> tuple[FeatureView, ...]:
    return (
        FeatureView("api/customer/retrieve", "2.3.9", {"OK": 3600, "APPLICATION": 12}, 31.0, 74.0, 20.0, 120.0,
                    package="api/customer", measured_mean_ms=34.0, instances=2),
        FeatureView("api/customer/update", "2.3.9", {"OK": 1920}, 12.0, 24.0, 10.0, 60.0, package="api/customer",
                    measured_mean_ms=13.0, instances=2),
        FeatureView("api/customer/retrieve", "2.4.0", {"OK": 2580, "INTERNAL": 460}, 88.0, 402.0, 20.0, 120.0,
                    "could not connect to server: connection refused", 0.8, "api/customer", 131.0, 2),
        FeatureView("api/customer/update", "2.4.0", {"OK": 1200}, 12.0, 24.0, 10.0, 60.0, package="api/customer",
                    measured_mean_ms=13.0, instances=2),
    )  # fmt: skip


def hostile_traffic() -> StillFleet:
    """Features and callers from somebody who means no good."""
    fleet = hostile()
    nan = float("nan")
    first = next(iter(fleet.packages))
    features = tuple(
        FeatureView(
            f"{first}/{evil}", evil, {evil: 2**70, "INTERNAL": 9}, nan, float("inf"), nan, -1.0, evil, nan, first
        )
        for evil in HOSTILE
    )
    fleet.packages[first] = replace(fleet.packages[first], features=features)
    fleet.called = tuple(
        CallView(evil, evil, f"{first}/{evil}", first, {evil: 2**70, "INTERNAL": 5}, nan, nan, -1, evil)
        for evil in HOSTILE
    )
    return fleet


def history(name: str, *, gap: bool = False, now_s: float = NOW_S, slot_s: int = 10, slots: int = 360) -> bytes:
    """An hour of `api/customer` on one host: 2.4.0 came half an hour ago, and in trouble since ten minutes."""
    dice = Random(name)
    first = int(now_s // slot_s) - slots
    versions = [
        Series(
            kind="package",
            package="/api/customer",
            version=version,
            points=[
                _point(version, at * 360 // slots, (first + at) * slot_s, slot_s, dice)
                for at in range(slots)
                if (version == "2.3.9" or at >= slots // 2) and not (gap and 100 <= at < 140)
            ],
        )
        for version in ("2.3.9", "2.4.0")
    ]
    vitals = [_vitals(at, (first + at) * slot_s, dice) for at in range(slots)]
    return History(
        host=name, resolution_s=slot_s, series=[*versions, Series(kind="host", points=vitals)]
    ).SerializeToString()


def _point(version: str, at: int, t_s: float, slot_s: int, dice: Random) -> Point:
    troubled = version == "2.4.0" and at >= 300
    requests = int(40 * slot_s * (1 + 0.4 * math.sin(at / 30)) * dice.uniform(0.8, 1.2))
    failed = requests * 12 // 100 if troubled else 0
    times = Histogram()
    for _ in range(20):
        times.record(int(41e6 * dice.lognormvariate(0, 0.4) * (3 if troubled else 1)))
    index, count = times.lists()
    return Point(
        t_s=t_s,
        covered_s=slot_s,
        outcomes=[OutcomeCount(code=Code.OK, count=requests - failed), OutcomeCount(code=Code.INTERNAL, count=failed)],
        processing=Sketch(index=index, count=count, zero=0, sum=times.sum_ns),
        instances=1,
    )


def _vitals(at: int, t_s: float, dice: Random) -> Point:
    cpu_pct = 30 + 12 * math.sin(at / 30) + dice.uniform(-3, 3) + (35 if at >= 300 else 0)
    return Point(t_s=t_s, covered_s=10, vitals=Vitals(cpu_pct=cpu_pct, cores=8))


def hostile_history(host: str, package: str) -> bytes:
    """Numbers and texts that nobody should believe."""
    nan = float("nan")
    then_s = NOW_S - 100
    many = [OutcomeCount(code=0, count=2**64 - 1), OutcomeCount(code=2**32 - 1, count=3)]
    points = [
        Point(t_s=then_s, covered_s=nan, outcomes=many, processing=Sketch(index=[2**31 - 1, 7], count=[1])),
        Point(t_s=then_s + 10, covered_s=-1e300, processing=Sketch(index=[5], count=[2**50], zero=2**64 - 1)),
        Point(t_s=nan),
        Point(t_s=1e300),
        Point(t_s=-5),
        Point(t_s=then_s + 20, vitals=Vitals(cpu_pct=nan)),
        Point(t_s=then_s + 30, vitals=Vitals(cpu_pct=1e300)),
    ]
    kinds = (("package", f"/{package}", "\x1b[2J"), ("package", f"/{package}", ""), ("host", "", ""), ("\x1b", "", ""))
    series = [Series(kind=kind, package=of, version=version, points=points) for kind, of, version in kinds]
    return History(host=host, resolution_s=10, series=series).SerializeToString()


@dataclass
class Historian:
    """Answers at once what agents would: `histories` by host, nobody else is in reach."""

    histories: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def look_at(self, hosts: Iterable[str]) -> None: ...

    def agents(self) -> Mapping[str, tuple[str, str]]:
        return {}

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        self.asked.append((host, path))
        future: Future[Mapping[str, Any]] = Future()
        future.set_exception(OutOfReach("connection refused"))
        return future

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        self.asked.append((host, path))
        future: Future[T] = Future()
        try:
            if host not in self.histories:
                why = "connection refused"
                raise OutOfReach(why)
            future.set_result(take(self.histories[host]))
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who waits hears it
            future.set_exception(error)
        return future
