"""What ZooKeeper is asked for, what it answers, and how it refuses: values and errors, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping


class RegisterError(Exception):
    """Something that ZooKeeper refused, or could not do."""


class RegisterUnavailable(RegisterError):
    """ZooKeeper does not answer. `outcome_unknown`: the write may have been done; look before you repeat it."""

    def __init__(self, sentence: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(sentence)
        self.outcome_unknown = outcome_unknown


class RegisterRefused(RegisterError):
    """This credential may not do that, or the fleet's root is open to everybody."""


class NodeExists(RegisterError):
    """There is such a node already."""


class NoNode(RegisterError):
    """There is no such node."""


class VersionConflict(RegisterError):
    """Somebody else has written the node since it was read."""


class TooLarge(RegisterError):
    """More than ZooKeeper takes; nothing was sent."""


class TransactionFailed(RegisterError):
    """Nothing was written. `index` of the operation that failed, `reason` what it would have raised alone."""

    def __init__(self, index: int, reason: RegisterError) -> None:
        super().__init__(f"operation {index}: {reason}; nothing was written")
        self.index = index
        self.reason = reason


REASONS: Final[Mapping[str, type[RegisterError]]] = {
    "version": VersionConflict,
    "exists": NodeExists,
    "missing": NoNode,
}
"""Why an operation failed, as agents say it over HTTP."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node's bytes and where they stand. `owner`: the session of an ephemeral node, else 0.

    `stamp_ms`, `created_ms`: the server's clock at the last write and at the first, Unix ms.
    """

    data: bytes
    version: int
    czxid: int
    mzxid: int
    owner: int
    stamp_ms: int
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node is new or has new bytes. `name` is relative to the mirror's path: "host-1", "service.customer/1.0"."""

    name: str
    data: bytes
    version: int
    czxid: int
    owner: int


@dataclass(frozen=True, slots=True)
class NodeGone:
    """A node is not there, seen while connected: a lost connection makes nobody vanish."""

    name: str


@dataclass(frozen=True, slots=True)
class Synced:
    """The picture is whole: once after the start, and once after each reconnection."""


MirrorEvent: TypeAlias = NodeSeen | NodeGone | Synced


@dataclass(frozen=True, slots=True)
class Create:
    """In a transaction: make a node; its parents must be there."""

    path: str
    data: bytes
    ephemeral: bool = False


@dataclass(frozen=True, slots=True)
class Set:
    """In a transaction: write a node; a version of -1 is any."""

    path: str
    data: bytes
    version: int = -1


@dataclass(frozen=True, slots=True)
class Delete:
    """In a transaction: remove a node; a version of -1 is any."""

    path: str
    version: int = -1


@dataclass(frozen=True, slots=True)
class Check:
    """In a transaction: nothing is done unless the node is at this version."""

    path: str
    version: int


Operation: TypeAlias = Create | Set | Delete | Check


class StateKind(StrEnum):
    """How the session stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    SILENT = "silent"
    EXPIRED = "expired"
    REFUSED = "refused"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class RegistryState:
    """How the session stands; `error` says why it is REFUSED.

    A new `session_id` means that the ephemeral nodes of the old session are gone, or going: make them anew.
    `since_ns` (monotonic clock): since when ZooKeeper is away, for every kind but CONNECTED.
    """

    kind: StateKind
    session_id: int
    since_ns: int
    error: str = ""

    def silent_s(self, now_ns: int) -> float:
        """For how long ZooKeeper has been away; 0 while connected."""
        return 0.0 if self.kind is StateKind.CONNECTED else max(0, now_ns - self.since_ns) / 1e9
