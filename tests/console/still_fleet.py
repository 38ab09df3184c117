"""A fleet that stands still: views made by hand, with every trouble that a screen can tell, and hostile ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypedDict, cast

from h2o_console.store.control import ControlSeen
from h2o_console.store.fleet import Store
from h2o_console.store.insight import Insight
from h2o_console.store.views import (
    AlarmView,
    CallView,
    CheckView,
    ChildView,
    FeatureView,
    FleetView,
    HostDetail,
    HostView,
    InstanceCounts,
    InstanceDetail,
    InstanceView,
    LinkView,
    PackageView,
    QueueView,
    SilentHost,
    VitalsView,
)
from h2o_core.health import IN_SPITE
from h2o_core.insights.actions import avoid, drain, look
from h2o_core.insights.finding import Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.grouping import Group
from h2o_core.insights.standing import News, Standing

GIB = 1 << 30


class Running(TypedDict):
    """The same instances, counted and one by one."""

    counts: InstanceCounts
    instances: tuple[InstanceView, ...]


def running(*instances: InstanceView) -> Running:
    """As a package's view has them."""
    troubled = [one for one in instances if not one.silent and not one.ready]
    unwell = [one for one in instances if one.ready and one.why.startswith(IN_SPITE)]
    busy = [one for one in instances if one.slots and one.in_flight is not None]
    counts = InstanceCounts(
        total=len(instances),
        ready=sum(one.ready for one in instances),
        silent=sum(one.silent for one in instances),
        versions=tuple(dict.fromkeys(one.version for one in instances)),
        slots=sum(one.slots or 0 for one in busy),
        in_flight=sum(one.in_flight or 0 for one in busy),
        queued=sum(one.queued or 0 for one in busy),
        troubled=len(troubled),
        first_troubled=next(iter(troubled), None),
        unwell=len(unwell),
        first_unwell=next(iter(unwell), None),
    )
    return {"counts": counts, "instances": instances}


@dataclass
class StillFleet:
    """What a `Store` answers, from tables."""

    hosts: dict[str, HostView] = field(default_factory=dict[str, HostView])
    running: dict[str, InstanceView] = field(default_factory=dict[str, InstanceView])
    packages: dict[str, PackageView] = field(default_factory=dict[str, PackageView])
    details: dict[str, HostDetail] = field(default_factory=dict[str, HostDetail])
    seen: dict[str, InstanceDetail] = field(default_factory=dict[str, InstanceDetail])
    silent: tuple[SilentHost, ...] = ()
    called: tuple[CallView, ...] = ()
    changed: int = 0
    thrifty: bool = False
    insight: Insight | None = None
    control: ControlSeen | None = None
    blindness: str = ""

    def store(self) -> Store:
        return cast("Store", self)

    def names(self) -> tuple[str, ...]:
        return tuple(self.packages)

    def take_dirty(self, _now_s: float) -> set[str]:
        return set(self.packages)

    def package(self, name: str, _now_s: float, *, whole: bool = False) -> PackageView | None:
        del whole
        return self.packages.get(name)

    def briefs(self, _now_s: float) -> tuple[PackageView, ...]:
        return tuple(self.packages.values())

    def look_at(self, packages: object) -> None:
        """Nothing is made ready."""

    def times(self, name: str, _now_s: float) -> dict[str, tuple[float | None, float | None]]:
        return {one.id: (one.p50_ms, one.p95_ms) for one in self.running.values() if one.package == name}

    def times_of(self, _host: str, instance: str, _now_s: float) -> tuple[float | None, float | None]:
        found = next((one for one in self.running.values() if one.id == instance), None)
        return (found.p50_ms, found.p95_ms) if found else (None, None)

    def servers(self, _now_s: float) -> tuple[HostView, ...]:
        return tuple(self.hosts.values())

    def host(self, name: str, _now_s: float) -> HostDetail | None:
        if name not in self.hosts:
            return None
        here = tuple(one for one in self.running.values() if one.host == name)
        return replace(self.details.get(name) or HostDetail(self.hosts[name]), host=self.hosts[name], instances=here)

    def instances(self, _now_s: float) -> tuple[InstanceView, ...]:
        return tuple(replace(one, p50_ms=None, p95_ms=None) for one in self.running.values())

    def instance(self, _host: str, key: str, _now_s: float) -> InstanceDetail | None:
        one = self.running.get(key)
        return None if one is None else replace(self.seen.get(key) or InstanceDetail(one), instance=one)

    def features(self, _now_s: float) -> tuple[FeatureView, ...]:
        return tuple(one for view in self.packages.values() for one in view.features)

    def calls(self, _now_s: float) -> tuple[CallView, ...]:
        return self.called

    def hosts_of(self, packages: object) -> set[str]:
        return {one.host for one in self.running.values() if one.package in set(cast("tuple[str, ...]", packages))}

    def fleet(self, _now_s: float) -> FleetView:
        return FleetView(
            fleet="h2o",
            hosts=len(self.hosts),
            answering=len(self.hosts) - len(self.silent),
            instances=len(self.running),
            register="connected",
            register_hosts=len(self.hosts),
            data_age_s=0.8,
            picture_age_s=0.4,
            agent="unix:/run/agent.sock",
            silent=self.silent,
        )

    def add(self, one: InstanceView) -> None:
        self.running[one.key] = one
        known = self.packages.get(one.package) or PackageView(one.package)
        outcomes = {code: known.outcomes.get(code, 0) + n for code, n in one.outcomes.items()}
        self.packages[one.package] = replace(
            known,
            **running(*known.instances, one),
            outcomes={**known.outcomes, **outcomes},
            rps=(known.rps or 0.0) + (one.rps or 0.0),
            p50_ms=one.p50_ms,
            p95_ms=one.p95_ms,
            rps_line=(one.rps,) * 10,
            p95_line=(one.p95_ms,) * 10,
            peak=len(known.instances) + 1,
        )


FINE = VitalsView(
    cpu_pct=23.0,
    steal_pct=0.3,
    cores=8,
    load1=1.72,
    memory_total_bytes=32 * GIB,
    memory_available_bytes=19 * GIB,
    disk_total_bytes=200 * GIB,
    disk_available_bytes=121 * GIB,
    clock_skew_s=0.003,
)


def host(name: str, zone: str, **more: object) -> HostView:
    made = HostView(
        name=name,
        zone=zone,
        address=f"10.0.3.{name.partition('-')[2]}:41000",
        agent=f"10.0.3.{name.partition('-')[2]}:8100",
        agent_version="0.1.0",
        link="up",
        register="registered",
        register_state="connected",
        register_silent_s=0.1,
        rtt_ms=0.4,
        age_s=0.6,
        broker_up_s=86_400.0 * 3,
        epoch=117,
        epoch_lag=0,
        vitals=FINE,
        links=5,
        rps=230.0,
        outcomes={"OK": 13_800},
        called={"OK": 9_100},
        queued=0,
    )
    return replace(made, **more)


def instance(number: int, package: str, version: str, on: str, **more: object) -> InstanceView:
    made = InstanceView(
        id=f"{number * 2654435761 % 2**32:08x}{number:08x}",
        version=version,
        host=on,
        zone="a" if on in {"host-1", "host-2", "host-3"} else "b",
        state="ready",
        routable=True,
        slots=64,
        in_flight=3,
        queued=0,
        up_s=5400.0,
        rps=46.0,
        outcomes={"OK": 2760},
        package=package,
        pid=4000 + number,
        child=ChildView(
            f"{package.replace('/', '.')}-{number}", "running", 4000 + number, 5400.0, cpu_pct=7.0, rss_bytes=92 << 20
        ),
        p50_ms=4.1,
        p95_ms=9.7,
    )
    return replace(made, **more)


def troubled() -> StillFleet:
    """Six hosts in two zones: one fine, one of each trouble."""
    fleet = StillFleet()
    full = replace(FINE, memory_available_bytes=GIB // 2, disk_available_bytes=14 * GIB, cpu_pct=96.0)
    skewed = replace(FINE, clock_skew_s=-1.8, steal_pct=14.0)
    for one in (
        host("host-1", "a", link="self"),
        host("host-2", "a", vitals=full, rps=412.0, outcomes={"OK": 23_000, "INTERNAL": 1_720}, links_down=1),
        host("host-3", "a", vitals=skewed, epoch_lag=4, epoch=113),
        host("host-4", "b", crash_loops=1),
        host("host-5", "b", silent=True, age_s=14.0, why="no answer in 2 s", link="suspect"),
        host("host-6", "b", link="leaving", rps=0.0, outcomes={}),
    ):
        fleet.hosts[one.name] = one
    fleet.silent = (SilentHost("host-5", 14.0, "no answer in 2 s"),)
    number = 0
    for package, version in (("api/customer", "2.4.0"), ("service/geo", "1.1.3"), ("service/payment", "3.0.1")):
        for on in ("host-1", "host-2", "host-3"):
            number += 1
            fleet.add(instance(number, package, version, on))
    fleet.add(
        instance(20, "api/customer", "2.4.0", "host-2", outcomes={"OK": 2300, "INTERNAL": 460}, p95_ms=388.0, rps=41.0)
    )
    fleet.add(instance(21, "service/email", "0.9.2", "host-4", in_flight=64, queued=9, p95_ms=1240.0))
    loop = ChildView(
        "service.notify-1", "backoff", None, None, due_in_s=4.0, failures=7, restarts=31, exit="exit code 1",
        exit_age_s=2.0, why="ModuleNotFoundError: No module named 'templates'", crash_loops=True,
    )  # fmt: skip
    fleet.add(
        replace(
            instance(22, "service/notify", "0.9.3", "host-4", state="backoff", routable=None, slots=None),
            id="", in_flight=None, queued=None, up_s=None, rps=None, outcomes={}, child=loop, p50_ms=None, p95_ms=None,
            pid=None,
        )
    )  # fmt: skip
    fleet.add(
        instance(23, "service/notify", "0.9.2", "host-5", silent=True, rps=None, outcomes={}, in_flight=None,
                 queued=None, child=None, p50_ms=None, p95_ms=None)
    )  # fmt: skip
    fleet.add(instance(24, "service/geo", "1.1.3", "host-6", state="draining", routable=False, rps=0.0, outcomes={}))
    for name, view in fleet.hosts.items():
        here = [one for one in fleet.running.values() if one.host == name]
        fleet.hosts[name] = replace(view, instances=len(here), ready=sum(one.ready for one in here))
    _details(fleet)
    fleet.insight = insight_of(*troubles())
    return fleet


NOW_S = 1_770_000_000.0


def insight_of(*groups: Group, since_s: float = NOW_S - 133.0) -> Insight:
    """Somebody has looked and found these, open since then."""
    every = [one for group in groups for one in (group.cause, *group.symptoms)]
    standing = {one.key: Standing(one, since_s, NOW_S, one.hurt_per_s) for one in every}
    return Insight(News(groups, (), ()), standing, NOW_S, 998.0)


def troubles() -> tuple[Group, ...]:
    """What insights would say of the fleet above."""
    page, ticket = Severity.PAGE, Severity.TICKET
    on = Subject("/api/customer", "2.4.0", "host-2")
    worse = Finding(
        Kind.INSTANCE, on, page,
        f"{on} is worse than its others: 14 % INTERNAL, elsewhere 0 %; the rest of host-2 is well",
        hurt_per_s=7.7, trouble=Trouble.ERRORS, action=avoid("host-2", NOW_S),
    )  # fmt: skip
    fails = Finding(
        Kind.FAILING, Subject("/api/customer"), ticket,
        "api/customer fails: 4.1 % INTERNAL (460 of 11,040 requests in 60 s), before 0 %", hurt_per_s=7.7,
    )  # fmt: skip
    crashes = Finding(
        Kind.CRASHES, Subject("/service/notify", host="host-4"), page,
        "service/notify crashes again and again on host-4 (7 in a row): ModuleNotFoundError; 0 instances of it ready",
        action=look("h2o logs {}", "host-4/service.notify-1", sentence="read its last words"),
    )  # fmt: skip
    promise = Finding(
        Kind.PROMISE, Subject("/api/customer", "2.4.0", feature="/api/customer/retrieve"), ticket,
        "api/customer/retrieve 2.4.0 does not keep its promise: p95 402 ms, promised 120 ms", hurt_per_s=1.2,
    )  # fmt: skip
    full = Finding(Kind.CAPACITY, Subject(host="host-2"), page, "host-2: memory 98 %", action=avoid("host-2", NOW_S))
    silent = Finding(
        Kind.SILENT, Subject(host="host-5"), page,
        "the agent of host-5 has said nothing for 14 s: no answer in 2 s; its broker does not answer the others",
        action=drain("host-5", NOW_S),
    )  # fmt: skip
    return (
        Group(worse, (fails, promise)),
        Group(crashes),
        Group(full),
        Group(silent),
        Group(Finding(Kind.EPOCH, Subject(host="host-3"), ticket, "host-3 is behind the newest epoch 117 for 41 s")),
        Group(Finding(Kind.CLOCK, Subject(host="host-3"), ticket, "the clock of host-3 is 1.8 s behind ZooKeeper's")),
    )  # fmt: skip


def _details(fleet: StillFleet) -> None:
    links = tuple(LinkView(name, "up", 0.3, 80.0, 2) for name in fleet.hosts if name not in {"host-2", "host-5"})
    fleet.details["host-2"] = HostDetail(
        fleet.hosts["host-2"],
        links=(*links, LinkView("host-5", "suspect", None, 4100.0, 0, "no PONG since 4.1 s")),
        queues=(QueueView("api/customer", "2.4.0", 12, 128),),
        alarms=(AlarmView("unreadable", "/h2o/prod/control/traffic", 73.0, "not JSON: the last good one holds"),),
        counters={"late_answers": 3, "strangers": 0, "dropped_incarnation": 41},
    )
    failing = next(one for one in fleet.running.values() if "INTERNAL" in one.outcomes)
    fleet.seen[failing.key] = InstanceDetail(
        failing,
        features=(
            FeatureView("api/customer/retrieve", "2.4.0", {"OK": 1500, "INTERNAL": 460}, 31.0, 402.0, 20.0, 120.0,
                        "could not connect to server: connection refused", 0.8, "api/customer", 44.0, 1),
            FeatureView("api/customer/update", "2.4.0", {"OK": 800}, 12.0, 24.0, 10.0, 60.0, package="api/customer"),
        ),
        checks=(
            CheckView("database", "fail", "PAGE", "could not connect to server: connection refused", None, "", 3.0),
            CheckView("cache", "pass", "NOTE", "", 0.93, "hit ratio", 3.0),
        ),
        executing=3,
        heartbeat_age_s=0.4,
        pong_age_s=0.1,
        rps_line=(46.0, 45.0, 47.0, 46.0, 44.0, 41.0, 40.0, 41.0, 42.0, 41.0),
        p95_line=(9.0, 9.5, 9.1, 31.0, 120.0, 300.0, 380.0, 391.0, 385.0, 388.0),
    )  # fmt: skip


HOSTILE = (
    "[/x]",
    "[@click=app.quit]quit[/]",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egpj.exe",
    "\r\nx b 99",
    "\x9b31m\u200b\u2066",
    "日" * 200,
    "n" * 10_000,
    "",
)


def hostile() -> StillFleet:
    """All names, words and numbers from somebody who means no good."""
    fleet = StillFleet()
    nan, inf = float("nan"), float("inf")
    for number, evil in enumerate(HOSTILE):
        name = f"h{number}{evil}"
        bad = VitalsView(nan, inf, -3, -inf, -1, 2**70, 2**70, -5, nan, 2**70)
        fleet.hosts[name] = HostView(
            name, evil, evil, evil, evil, evil, evil, nan, {evil: evil}, age_s=inf, why=evil, broker_up_s=nan,
            broker_problem=evil, register_state=evil, register_silent_s=nan, epoch=-1, epoch_lag=2**70, vitals=bad,
            instances=-1, ready=2**70, crash_loops=2**70, links=-1, links_down=7, rps=nan,
            outcomes={evil: 2**70, "INTERNAL": 5}, called={evil: 1}, queued=-1,
        )  # fmt: skip
        child = ChildView(
            evil, evil, -1, nan, nan, 2**70, 2**70, evil, nan, evil, crash_loops=True, cpu_pct=nan, rss_bytes=2**70
        )
        one = InstanceView(
            f"i{number}{evil}", evil, name, evil, evil, evil, None, -1, 2**70, 2**70, nan, inf,
            {evil: 1, "INTERNAL": 2},
            package=f"p{number}{evil}", pid=-1, child=child, p50_ms=nan, p95_ms=inf,
        )  # fmt: skip
        fleet.add(one)
        features = (FeatureView(evil, evil, {evil: 3}, nan, inf, nan, inf, evil, nan, evil, nan, -1),)
        fleet.seen[one.key] = InstanceDetail(
            one,
            features,
            (CheckView(evil, evil, evil, evil, nan, evil, nan),),
            -1,
            nan,
            inf,
            rps_line=(nan, inf),
            p95_line=(nan,) * 3,
        )
        fleet.details[name] = HostDetail(
            fleet.hosts[name], (), (LinkView(evil, evil, nan, inf, -1, evil),), (QueueView(evil, evil, 2**70, -1),), (),
            (AlarmView(evil, evil, nan, evil),), {evil: 2**70}, evil,
        )  # fmt: skip
    fleet.insight = insight_of(*(group for number, evil in enumerate(HOSTILE) for group in _evil(number, evil)))
    return fleet


def _evil(number: int, evil: str) -> tuple[Group, ...]:
    """A cause and a symptom about all that the fleet has of that name."""
    subject = Subject(f"p{number}{evil}", evil, f"h{number}{evil}", evil, f"i{number}{evil}", evil, evil)
    cause = Finding(
        Kind.FAILING, subject, Severity.PAGE, evil, hurt_per_s=float("nan"), action=look(evil, sentence=evil)
    )
    return (Group(cause, (Finding(Kind.PROMISE, subject, Severity.TICKET, evil, hurt_per_s=float("inf")),)),)
