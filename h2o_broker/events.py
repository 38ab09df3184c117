"""What the switch tells its shell, for what is rare; frames to send go through its `out` list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from h2o_core.pb.registration_pb2 import Register
    from h2o_core.pb.stats_pb2 import Ask


@dataclass(frozen=True, slots=True)
class RegistrationAsked:
    """A peer wants to be an instance; the shell checks the manifest and admits or rejects it."""

    rid: bytes
    correlation: int
    register: Register


@dataclass(frozen=True, slots=True)
class ReportAsked:
    """A local client asks the broker about itself."""

    rid: bytes
    correlation: int
    ask: Ask


@dataclass(frozen=True, slots=True)
class InstanceAdmitted:
    """The register has to learn of a new instance (within a second)."""

    id: str


@dataclass(frozen=True, slots=True)
class InstanceRemoved:
    """The register has to lose an instance (at once)."""

    id: str
    package: str
    version: str
    pid: int
    why: str


@dataclass(frozen=True, slots=True)
class LinkWanted:
    """Open a link to another broker under a routing id that was never used before."""

    host: str
    address: str
    rid: bytes


@dataclass(frozen=True, slots=True)
class LinkDropped:
    """Close the link to another broker."""

    host: str
    address: str


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """Another broker's link went up, became suspect or met another incarnation."""

    host: str
    what: str


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A drained host's grace is over, and an instance still worked on this: its outcome is unknown."""

    feature: str
    request_id: str
    instance: str
    caller: str
    ran_s: float


Event = (
    RegistrationAsked
    | ReportAsked
    | InstanceAdmitted
    | InstanceRemoved
    | LinkWanted
    | LinkDropped
    | LinkChanged
    | GivenUp
)
