"""The fleet at one moment, as far as somebody knows it: what insights are drawn from. Pure.

The console, the command line and an agent fill it from what they have. None is unknown, never zero; what they can't
know at all stays empty. What was counted is told by host; a row whose host is "" stands for all that no other row
names, and is judged only together with them. Packages and features are full names (``/service/customer``), `…_s` are
seconds; moments are Unix times. Texts are as they came: whoever prints them makes them safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_core.names import package_of

if TYPE_CHECKING:
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic
    from h2o_core.insights.counts import Counts


@dataclass(frozen=True, slots=True)
class Vitals:
    """How a server does. Percentages are of all cores, or of all there is."""

    cpu_pct: float | None = None
    steal_pct: float | None = None
    memory_pct: float | None = None
    disk_pct: float | None = None
    clock_skew_s: float | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """A server. `age_s`: of what its agent says (None: it has never said anything), `why` it is silent.

    `link`: how its peers see it (``up``, ``suspect``, ``refused``, ``absent``, …, "" unknown), `register`: ``kept`` and
    ``withdrawn`` when its node is gone and it answers. `broker_problem`: its agent answers, its broker does not.
    `epoch`: what its broker applies, `behind_s`: how long it has been behind the newest, as far as anybody saw.
    `register_state`: its broker's session with ZooKeeper.
    """

    name: str
    zone: str = ""
    age_s: float | None = None
    why: str = ""
    link: str = ""
    register: str = ""
    broker_problem: str = ""
    epoch: int | None = None
    behind_s: float | None = None
    unapplied: tuple[str, ...] = ()
    register_state: str = ""
    register_silent_s: float | None = None
    vitals: Vitals | None = None
    broker_crashes: int = 0


@dataclass(frozen=True, slots=True)
class Instance:
    """One that is registered. `state`: ``ready``, ``suspect``, ``leaving``, ``starting``, ``unknown``.

    `verdict`: its destination's (``ok``, ``ejected``, ``probing``, ``check failing``, "" unknown); `routable`; `why`
    not. `known_there`: its own host has it too (None: that host is silent).
    """

    id: str
    package: str
    version: str
    host: str
    state: str = "ready"
    verdict: str = ""
    routable: bool | None = None
    why: str = ""
    up_s: float | None = None
    slots: int | None = None
    in_flight: int | None = None
    known_there: bool | None = None

    @property
    def ready(self) -> bool:
        """It takes requests, as far as is known."""
        return self.state == "ready" and self.routable is not False


@dataclass(frozen=True, slots=True)
class Child:
    """A process that an agent supervises and that ought to be an instance. `state_s`: how long it has been so."""

    key: str
    package: str
    host: str
    state: str
    state_s: float = 0.0
    failures: int = 0
    crash_loops: bool = False
    why: str = ""
    registered: bool = True


@dataclass(frozen=True, slots=True)
class Served:
    """What instances of a version on one host did (destination's counts), lately and before (None: unknown)."""

    package: str
    version: str
    host: str
    now: Counts
    before: Counts | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What rows of several hosts have in common that are compared."""
        return self.package, self.version


@dataclass(frozen=True, slots=True)
class Measured:
    """A feature of a version on one host, lately, and what its author promises (ms; None or 0: nothing)."""

    feature: str
    version: str
    host: str
    now: Counts
    mean_ms: float | None = None
    upper95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """What a caller on one host got from a feature (origin's counts, never added to the above).

    `caller`: a package, ``operator`` or ``gateway``. `breaches`: of these against the tier rules.
    """

    caller: str
    version: str
    feature: str
    host: str
    now: Counts
    before: Counts | None = None
    breaches: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """As `Served.key`."""
        return self.caller, self.version, self.feature

    @property
    def package(self) -> str:
        """The one that is called."""
        return package_of(self.feature)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Requests that wait on a host for a slot of a version; who was refused some in the last `over_s` seconds."""

    package: str
    version: str
    host: str
    queued: int
    refused: Mapping[str, int] = field(default_factory=dict[str, int])
    over_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Pool:
    """A version's instances as an origin sees them. `panic`: so few are healthy that verdicts are ignored."""

    package: str
    version: str
    healthy: int
    total: int
    panic: bool


@dataclass(frozen=True, slots=True)
class Alarm:
    """What a broker says is wrong with the register."""

    host: str
    kind: str
    path: str
    since_s: float
    sentence: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A control change: when, which documents (``control/traffic/service.customer``), who, and what it did."""

    epoch: int
    at_s: float
    paths: tuple[str, ...]
    actor: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """What is decided, by package and by host; the fleet's `tiers` (``enforce``, ``warn``)."""

    epoch: int
    traffic: Mapping[str, Traffic] = field(default_factory=dict[str, "Traffic"])
    hosts: Mapping[str, HostControl] = field(default_factory=dict[str, "HostControl"])
    tiers: str = "enforce"
    changes: tuple[Changed, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything, at `now_s`. `control` None: nobody could read it. `peaks`: package → most instances lately.

    `sums`: what is added up already of `served` and `calls`, by their keys: of all hosts that speak, lately, and never
    less than their rows have. What is left out is added up when it is needed.
    """

    now_s: float
    hosts: tuple[Host, ...] = ()
    instances: tuple[Instance, ...] = ()
    children: tuple[Child, ...] = ()
    served: tuple[Served, ...] = ()
    measured: tuple[Measured, ...] = ()
    calls: tuple[Call, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    pools: tuple[Pool, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    peaks: Mapping[str, int] = field(default_factory=dict[str, int])
    sums: Mapping[tuple[str, ...], Counts] = field(default_factory=dict[tuple[str, ...], "Counts"])
    control: Control | None = None
