"""What the store shows of the fleet at one moment: immutable values, ages and spans in seconds, times in ms.

None means unknown, never zero. Texts are as they came: `h2o_console.rows.table` makes them safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def often_made(cls: type[T]) -> type[T]:
    """A frozen dataclass to whoever checks types; thousands are made a second, and freezing takes 4 µs of each."""
    return dataclass(slots=True)(cls)


@often_made
class ChildView:
    """A child process as its agent sees it; `exit` is how the last one ended, `exit_age_s` ago ("": none has)."""

    key: str
    state: str
    pid: int | None = None
    up_s: float | None = None
    due_in_s: float | None = None
    failures: int = 0
    restarts: int = 0
    exit: str = ""
    exit_age_s: float | None = None
    why: str = ""
    crash_loops: bool = False
    cpu_pct: float | None = None
    rss_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class CheckView:
    """A health check that the package itself makes: ``pass``, ``warn``, ``fail``; `severity` NOTE, TICKET, PAGE."""

    name: str
    status: str
    severity: str
    output: str = ""
    observed: float | None = None
    unit: str = ""
    age_s: float | None = None


def is_ready(state: str, routable: bool | None) -> bool:  # noqa: FBT001 - both as a view has them
    """An instance takes requests, as far as is known."""
    return state == "ready" and routable is not False


@often_made
class InstanceView:
    """One instance. Counts are the last minute's; `silent` says that its host's counters are too old to show.

    `id` is "" for a child that has not registered. `child` is None when no agent says that it supervises it; the
    quantiles are None in lists that don't show them.
    """

    id: str
    version: str
    host: str
    zone: str
    state: str
    why: str = ""
    routable: bool | None = None
    slots: int | None = None
    in_flight: int | None = None
    queued: int | None = None
    up_s: float | None = None
    rps: float | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])
    silent: bool = False
    package: str = ""
    pid: int | None = None
    child: ChildView | None = None
    p50_ms: float | None = None
    p95_ms: float | None = None

    @property
    def key(self) -> str:
        """What it is told apart by in a list: its id, or of a child that has none, host and child."""
        return self.id or f"{self.host}/{self.child.key if self.child else self.package}"

    @property
    def ready(self) -> bool:
        """It takes requests, as far as is known."""
        return is_ready(self.state, self.routable)


@often_made
class FeatureView:
    """One feature of one version: the last minute, its promise, and its last error (`error_age_s` ago).

    `mean_ms` and `upper95_ms` are promised, all else is measured; what was timed is None in packages that are not
    whole. `known`: an instance of that version, on a host that is not silent, serves it, so that no outcomes means no
    requests.
    """

    feature: str
    version: str
    outcomes: Mapping[str, int]
    p50_ms: float | None = None
    p95_ms: float | None = None
    mean_ms: float | None = None
    upper95_ms: float | None = None
    last_error: str = ""
    error_age_s: float | None = None
    package: str = ""
    measured_mean_ms: float | None = None
    instances: int = 0
    known: bool = True

    @property
    def key(self) -> str:
        """What it is told apart by in a list."""
        return f"{self.feature} {self.version}"


@dataclass(frozen=True, slots=True)
class CallView:
    """What one caller got from one feature in the last minute, counted where it calls from.

    Never added to what features count: one request is in both. `forbidden` says why the tiers don't allow it
    ("": they do), `breaches` how many calls were against them. `hosts` are how many hosts it is called from.
    """

    caller: str
    version: str
    feature: str
    package: str
    outcomes: Mapping[str, int]
    p50_ms: float | None = None
    p95_ms: float | None = None
    hosts: int = 0
    forbidden: str = ""
    breaches: int = 0

    @property
    def key(self) -> str:
        """What it is told apart by in a list."""
        return f"{self.caller} {self.version} {self.feature}"


@dataclass(frozen=True, slots=True)
class SilentHost:
    """A host whose counters are too old to show; `age_s` None when none ever came."""

    host: str
    age_s: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """A package's instances as a row counts them: how many, and one of those that are not as they should be.

    `versions`: each that runs, once. `slots`, `in_flight` and `queued` are of those that told all of it lately.
    `troubled` takes no requests although its host is not silent, `unwell` takes some in spite of its health.
    """

    total: int = 0
    ready: int = 0
    silent: int = 0
    versions: tuple[str, ...] = ()
    slots: int = 0
    in_flight: int = 0
    queued: int = 0
    troubled: int = 0
    first_troubled: InstanceView | None = None
    unwell: int = 0
    first_unwell: InstanceView | None = None


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package over all its versions and hosts.

    `instances`, and what its features took, are only there when it was asked for whole.
    `rps` is the last 10 s', all else the last 60 s'; lines have one value each 6 s, oldest first. `callers`
    counts what origins said of it (never added to `outcomes`). `peak` is the most instances in 15 minutes,
    `gone_s` the age of the moment when the last one went.
    """

    name: str
    counts: InstanceCounts = InstanceCounts()
    instances: tuple[InstanceView, ...] = ()
    features: tuple[FeatureView, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])
    rps: float | None = None
    rps_line: tuple[float | None, ...] = ()
    p50_ms: float | None = None
    p95_ms: float | None = None
    p95_line: tuple[float | None, ...] = ()
    callers: Mapping[str, int] = field(default_factory=dict[str, int])
    silent: tuple[SilentHost, ...] = ()
    peak: int = 0
    gone_s: float | None = None

    @property
    def known(self) -> bool:
        """At least one instance's counters are fresh."""
        return self.counts.silent < self.counts.total


@dataclass(frozen=True, slots=True)
class FleetView:
    """The fleet at a glance. `data_age_s` is the oldest age among the hosts that answer.

    `register` is the worst of what the brokers say: ``connected``, ``silent``, … ("" when unknown), for
    `silent_s`, on `register_hosts` of them. `agent` is who was asked for the picture, `detour` why it was not
    the context's, `trouble` why nobody answers at all, with `hint` what to type.
    """

    fleet: str = ""
    hosts: int = 0
    answering: int = 0
    instances: int = 0
    register: str = ""
    silent_s: float = 0.0
    register_hosts: int = 0
    data_age_s: float | None = None
    picture_age_s: float | None = None
    agent: str = ""
    detour: str = ""
    trouble: str = ""
    hint: str = ""
    silent: tuple[SilentHost, ...] = ()


@dataclass(frozen=True, slots=True)
class VitalsView:
    """How a server itself does; None is unknown. Percentages are of all cores together."""

    cpu_pct: float | None = None
    steal_pct: float | None = None
    cores: int | None = None
    load1: float | None = None
    memory_total_bytes: int | None = None
    memory_available_bytes: int | None = None
    disk_total_bytes: int | None = None
    disk_available_bytes: int | None = None
    clock_skew_s: float | None = None
    log_lines_dropped: int = 0

    @property
    def memory_pct(self) -> float | None:
        """Used, of all."""
        return _used_pct(self.memory_total_bytes, self.memory_available_bytes)

    @property
    def disk_pct(self) -> float | None:
        """Used, of the file system that the host keeps its state on."""
        return _used_pct(self.disk_total_bytes, self.disk_available_bytes)


def _used_pct(total: int | None, available: int | None) -> float | None:
    if not total or available is None:
        return None
    return 100.0 * (1 - min(available / total, 1.0))


@dataclass(frozen=True, slots=True)
class LinkView:
    """A host's link to another one, as that host says."""

    host: str
    state: str
    rtt_ms: float | None = None
    pong_age_ms: float | None = None
    in_flight: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class HostView:
    """One host. `silent`: its counters are too old to show, `age_s` (None: none ever came), `why` says why.

    `link` and `rtt_ms` are how the asked broker sees it, `links_down` how many of its own links are not up.
    `epoch_lag`: how many changes it is behind the newest that any broker applies. `outcomes` and `rps` are of what
    its instances served, `called` of what its callers got.
    """

    name: str
    zone: str = ""
    address: str = ""
    agent: str = ""
    agent_version: str = ""
    link: str = ""
    register: str = ""
    rtt_ms: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    silent: bool = False
    age_s: float | None = None
    why: str = ""
    broker_up_s: float | None = None
    broker_problem: str = ""
    register_state: str = ""
    register_silent_s: float | None = None
    epoch: int | None = None
    epoch_lag: int | None = None
    vitals: VitalsView | None = None
    instances: int = 0
    ready: int = 0
    crash_loops: int = 0
    links: int = 0
    links_down: int = 0
    rps: float | None = None
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])
    called: Mapping[str, int] = field(default_factory=dict[str, int])
    queued: int | None = None


@dataclass(frozen=True, slots=True)
class QueueView:
    """Requests that wait on a host for a free slot of a package version."""

    package: str
    version: str
    queued: int
    capacity: int


@dataclass(frozen=True, slots=True)
class AlarmView:
    """What a broker says is wrong with the register."""

    kind: str
    path: str
    age_s: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class HostDetail:
    """One host in full; `counters` are dropped and odd things by name, since its broker started."""

    host: HostView
    instances: tuple[InstanceView, ...] = ()
    links: tuple[LinkView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    calls: tuple[CallView, ...] = ()
    alarms: tuple[AlarmView, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict[str, int])
    strangers: str = ""


@dataclass(frozen=True, slots=True)
class InstanceDetail:
    """One instance in full; lines have one value each 6 s, oldest first.

    `features` count from the moment on when somebody looked at it, `watched_s` ago, for a minute at most.
    """

    instance: InstanceView
    features: tuple[FeatureView, ...] = ()
    checks: tuple[CheckView, ...] = ()
    executing: int | None = None
    heartbeat_age_s: float | None = None
    pong_age_s: float | None = None
    watched_s: float = 0.0
    rps_line: tuple[float | None, ...] = ()
    p95_line: tuple[float | None, ...] = ()
