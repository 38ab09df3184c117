"""A finding: what is wrong with whom, by which evidence, whom it hurts, and the one thing to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent


class Kind(StrEnum):
    """What a finding is about; deeper causes stand first, which decides among equals."""

    GONE = "gone"
    BROKER = "broker down"
    SILENT = "no stats"
    HOST = "host against fleet"
    INSTANCE = "instance against version"
    VERSION = "version against version"
    CRASHES = "crash loop"
    CAPACITY = "server full"
    UNSERVED = "nobody serves"
    FAILING = "failing"
    SLOW = "slow"
    STARVED = "callers starved"
    PANIC = "panic"
    PROMISE = "promise broken"
    APPLICATION = "application errors up"
    LAST_ONE = "one instance left"
    UNHEALTHY = "instance out"
    LINK = "link"
    DRIFT = "drift"
    REGISTER = "ZooKeeper silent"
    ALARM = "register alarm"
    EPOCH = "behind the epoch"
    AVOID_ENDS = "avoid ends"
    REVIEW = "review due"
    NEWCOMER = "version without traffic"
    TIERS = "tier violation"
    CLOCK = "clock skew"


DEPTH: Final = {kind: at for at, kind in enumerate(Kind)}


class Severity(IntEnum):
    """As health checks say it: somebody is to get up, to look by day, or to know."""

    NOTE = 1
    TICKET = 2
    PAGE = 3


class Trouble(StrEnum):
    """How requests suffer, by which causes and symptoms are matched."""

    ERRORS = "errors"
    SLOW = "slow"
    NONE = ""


class Subject(NamedTuple):
    """Whom it is about; what is not meant is "".

    Of a call `package` is the one that is called and `caller` who calls; `path` is a document's.
    """

    package: str = ""
    version: str = ""
    host: str = ""
    feature: str = ""
    instance: str = ""
    caller: str = ""
    path: str = ""

    def __str__(self) -> str:
        """As people name it: ``service/customer 2.4.0 on host-31``; the fleet when nothing is named."""
        name = (self.feature or self.package).removeprefix("/")
        words = [name, self.version, self.path]
        if self.instance:
            words.append(f"instance {self.instance[:8]}")
        if self.host:
            words.append(f"on {self.host}" if name else self.host)
        said = " ".join(word for word in words if word)
        caller = self.caller.removeprefix("/")
        return (f"{caller} → {said}" if caller else said) or "fleet"


class Key(NamedTuple):
    """What a finding is told apart by, from one second to the next."""

    kind: Kind
    subject: Subject

    @property
    def id(self) -> str:
        """How it is named where it is typed: 8 hexadecimal digits, the same in every program."""
        return blake2b("\0".join((self.kind.value, *self.subject)).encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class Evidence:
    """A number and what it is of; `against` is what it is compared with, `over_s` its window (None: a state, now)."""

    name: str
    value: float
    unit: str = ""
    against: float | None = None
    over_s: float | None = None
    requests: int | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """What to do: `intent` opens as a plan; without one, `command` only looks. `sentence` in two or three words."""

    sentence: str
    command: str
    intent: Intent | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """`hurt_per_s`: requests that fail, or take too long, a second. `strength`: it opens at 1.0, and stays to 0.6.

    `trouble`: how requests suffer from it, for whoever looks for causes.
    """

    kind: Kind
    subject: Subject
    severity: Severity
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    hurt_per_s: float = 0.0
    trouble: Trouble = Trouble.NONE
    action: Action | None = None
    strength: float = 1.0

    @property
    def key(self) -> Key:
        """What it is told apart by."""
        return Key(self.kind, self.subject)
