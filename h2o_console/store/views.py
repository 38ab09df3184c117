"""What the store shows of the fleet at one moment: immutable values, ages and spans in seconds, times in ms.

None means unknown, never zero. Texts are as they came: `h2o_console.rows.table` makes them safe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InstanceView:
    """One instance. Counts are the last minute's; `silent` says that its host's counters are too old to show."""

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

    @property
    def ready(self) -> bool:
        """It takes requests, as far as is known."""
        return self.state == "ready" and self.routable is not False


@dataclass(frozen=True, slots=True)
class FeatureView:
    """One feature of one version: the last minute, its promise, and its last error (`error_age_s` ago)."""

    feature: str
    version: str
    outcomes: Mapping[str, int]
    p50_ms: float | None = None
    p95_ms: float | None = None
    mean_ms: float | None = None
    upper95_ms: float | None = None
    last_error: str = ""
    error_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class SilentHost:
    """A host whose counters are too old to show; `age_s` None when none ever came."""

    host: str
    age_s: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class PackageView:
    """A package over all its versions and hosts.

    `rps` is the last 10 s', all else the last 60 s'; lines have one value each 6 s, oldest first. `callers`
    counts what origins said of it (never added to `outcomes`). `peak` is the most instances in 15 minutes,
    `gone_s` the age of the moment when the last one went.
    """

    name: str
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
        return any(not instance.silent for instance in self.instances)


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
