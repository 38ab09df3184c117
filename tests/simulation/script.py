"""What happens from outside in a run, drawn from its seed beforehand: so that any part of it can be left out."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, TypeAlias

from h2o_core.control.hosts import HostState
from h2o_core.errors import Code
from tests.simulation.agenda import MS, S
from tests.simulation.fleet import FEATURES, PROCESSES, host_names

if TYPE_CHECKING:
    from collections.abc import Callable

START_NS = 1_000 * S
BEGIN_NS = START_NS + 3 * S
"""Before it nothing happens but that the fleet comes up."""


@dataclass(frozen=True, slots=True)
class Options:
    """How large a run is; with the seed all that it is made of."""

    hosts: int = 3
    seconds: int = 12
    calls_a_second: int = 60
    faults: int = 10
    slots: int = 1
    """How many times the fleet's usual slots an instance has."""
    hostile: bool = False
    """Frames between brokers are lost, doubled and overtaken, which TCP under CURVE does not do."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a handler is to do for a call: work, call others, end. *crash*: its process dies at it."""

    feature: str
    work_ms: int
    ending: Code = Code.OK
    plain: bool = False
    """A plain function in a thread: it can't be stopped, its slot is taken until it returns."""
    crash: bool = False
    timeout_ms: int = 1000
    children: tuple[Task, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """A client asks; it cancels after *cancel_ms*, if that is not 0."""

    at_ns: int
    host: int
    task: Task
    key: str = ""
    priority: int | None = None
    cancel_ms: int = 0


@dataclass(frozen=True, slots=True)
class BrokerKilled:
    """A broker's process dies; another one is there after *ms*."""

    at_ns: int
    host: int
    ms: int


@dataclass(frozen=True, slots=True)
class BrokerStopped:
    """A broker's process is stopped in order; another one is there after *ms*."""

    at_ns: int
    host: int
    ms: int


@dataclass(frozen=True, slots=True)
class BrokerStalled:
    """A broker's process stands still and goes on where it was."""

    at_ns: int
    host: int
    ms: int


@dataclass(frozen=True, slots=True)
class InstanceKilled:
    """An instance's process dies; its agent starts another after *ms*."""

    at_ns: int
    process: int
    ms: int


@dataclass(frozen=True, slots=True)
class InstanceHung:
    """An instance reads nothing and does nothing for *ms*."""

    at_ns: int
    process: int
    ms: int


@dataclass(frozen=True, slots=True)
class InstanceLeaves:
    """An instance leaves in order; another is started *ms* after it has gone."""

    at_ns: int
    process: int
    ms: int


@dataclass(frozen=True, slots=True)
class InstanceFails:
    """For *ms* all that an instance does is raise, at once."""

    at_ns: int
    process: int
    ms: int


@dataclass(frozen=True, slots=True)
class InstanceSlow:
    """For *ms* an instance takes ten times as long."""

    at_ns: int
    process: int
    ms: int


@dataclass(frozen=True, slots=True)
class Partitioned:
    """Nothing passes between two hosts for *ms*; what was sent comes late, or never if a connection ends meanwhile."""

    at_ns: int
    host: int
    other: int
    ms: int


@dataclass(frozen=True, slots=True)
class ConnectionCut:
    """The connection that *host* opened to *other* breaks, and is made again by libzmq."""

    at_ns: int
    host: int
    other: int


@dataclass(frozen=True, slots=True)
class ConnectionGivenUp:
    """It breaks, and libzmq does not try again."""

    at_ns: int
    host: int
    other: int


@dataclass(frozen=True, slots=True)
class Weighed:
    """Operators give the new version so many parts out of 10,000; None: nobody decides any more."""

    at_ns: int
    parts: int | None


@dataclass(frozen=True, slots=True)
class HostTaken:
    """Operators drain a host, or avoid it, for *ms*."""

    at_ns: int
    host: int
    state: HostState
    ms: int
    grace_ms: int = 300_000


@dataclass(frozen=True, slots=True)
class SwitchedOff:
    """Operators drain a host, and as soon as that is safe its power fails for *ms*; it comes back and is undrained."""

    at_ns: int
    host: int
    ms: int


@dataclass(frozen=True, slots=True)
class RegisterAway:
    """A broker does not reach ZooKeeper for *ms*; its session may expire meanwhile."""

    at_ns: int
    host: int
    ms: int


Entry: TypeAlias = (
    Call
    | BrokerKilled
    | BrokerStopped
    | BrokerStalled
    | InstanceKilled
    | InstanceHung
    | InstanceLeaves
    | InstanceFails
    | InstanceSlow
    | Partitioned
    | ConnectionCut
    | ConnectionGivenUp
    | RegisterAway
    | Weighed
    | HostTaken
    | SwitchedOff
)


def draw(seed: int, options: Options) -> tuple[Entry, ...]:
    """The script of *seed*, by time."""
    dice = Random(f"{seed}/script")
    end_ns = BEGIN_NS + options.seconds * S

    def moment() -> int:
        return dice.randrange(BEGIN_NS, end_ns)

    entries: list[Entry] = [_call(dice, moment(), options) for _ in range(options.calls_a_second * options.seconds)]
    entries += _bursts(dice, moment, options)
    entries += _decisions(dice, moment, options)
    entries += [_fault(dice, moment(), options) for _ in range(dice.randint(0, options.faults))]
    return tuple(sorted(entries, key=_when))


def _when(entry: Entry) -> int:
    return entry.at_ns


def _bursts(dice: Random, moment: Callable[[], int], options: Options) -> list[Entry]:
    """Many calls of one feature at once: what fills slots and queues."""
    calls: list[Entry] = []
    for _ in range(dice.randint(0, 2)):
        at_ns, like = moment(), _call(dice, moment(), options)
        for _ in range(60):
            priority = dice.choice((None, 0, 2))
            calls.append(Call(at_ns + dice.randrange(50 * MS), like.host, like.task, priority=priority))
    return calls


def _decisions(dice: Random, moment: Callable[[], int], options: Options) -> list[Entry]:
    """In half of the runs weights, mostly rising; in half of them a host or two that operators take out."""
    decisions: list[Entry] = []
    if dice.random() < 0.5:
        rising = sorted(dice.choice((0, 1, 100, 1000, 2500, 5000, 9000, 10_000)) for _ in range(4))
        parts: list[int | None] = [*rising]
        if dice.random() < 0.3:
            dice.shuffle(parts)
            parts[0] = None
        decisions += [Weighed(*each) for each in zip(sorted(moment() for _ in parts), parts, strict=True)]
    if dice.random() < 0.5:
        for _ in range(dice.randint(1, 2)):
            state = dice.choice((HostState.DRAIN, HostState.DRAIN, HostState.AVOID))
            ms, grace_ms = dice.choice((300, 2000, 5000)), dice.choice((0, 50, 500, 300_000))
            decisions.append(HostTaken(moment(), dice.randrange(options.hosts), state, ms, grace_ms))
    return decisions


def _call(dice: Random, at_ns: int, options: Options) -> Call:
    return Call(
        at_ns,
        dice.randrange(options.hosts),
        _task(dice, dice.choice(FEATURES)),
        key=f"customer-{dice.randrange(40)}" if dice.random() < 0.5 else "",
        priority=dice.choice((None, None, None, 0, 1, 2, 9)),
        cancel_ms=dice.choice((1, 5, 30, 200)) if dice.random() < 0.05 else 0,
    )


def _task(dice: Random, feature: str) -> Task:
    calls = [name for name in FEATURES if _below(feature, name)]
    children = tuple(_task(dice, dice.choice(calls)) for _ in range(dice.choice((0, 1, 1, 2)))) if calls else ()
    return Task(
        feature,
        work_ms=dice.choice((0, 1, 3, 10, 10, 30, 100, 400)),
        ending=dice.choices((Code.OK, Code.APPLICATION, Code.INTERNAL), (95, 3, 2))[0],
        plain=dice.random() < 0.2,
        crash=dice.random() < 0.001,
        timeout_ms=dice.choice((1, 20, 100, 300, 1000, 1000, 1000, 3000)),
        children=children,
    )


def _below(feature: str, other: str) -> bool:
    """The tier rules: api calls orchestrations and services, an orchestration services."""
    tiers = ("/api/", "/orchestration/", "/service/")
    mine, its = (next(at for at, tier in enumerate(tiers) if name.startswith(tier)) for name in (feature, other))
    return mine < its


def _fault(dice: Random, at_ns: int, options: Options) -> Entry:
    host = dice.randrange(options.hosts)
    other = (host + dice.randrange(1, max(2, options.hosts))) % options.hosts
    process = dice.randrange(len(host_names(options.hosts)) * len(PROCESSES))
    short, long = dice.choice((5, 50, 400, 1500)), dice.choice((200, 1000, 3000, 7000))
    kind = dice.choices(
        ("kill", "stop", "stall", "die", "hang", "leave", "fail", "slow", "partition", "cut", "give up", "register"),
        (3, 1, 1, 4, 2, 2, 1, 1, 3, 2, 1, 1),
    )[0]
    faults: dict[str, Entry] = {
        "kill": BrokerKilled(at_ns, host, short),
        "stop": BrokerStopped(at_ns, host, short),
        "stall": BrokerStalled(at_ns, host, dice.choice((20, 400, 1500, 4000))),
        "die": InstanceKilled(at_ns, process, short),
        "hang": InstanceHung(at_ns, process, dice.choice((300, 1500, 4000))),
        "leave": InstanceLeaves(at_ns, process, short),
        "fail": InstanceFails(at_ns, process, long),
        "slow": InstanceSlow(at_ns, process, long),
        "partition": Partitioned(at_ns, host, other, long),
        "cut": ConnectionCut(at_ns, host, other),
        "give up": ConnectionGivenUp(at_ns, host, other),
        "register": RegisterAway(at_ns, host, long),
    }
    return faults[kind]


def told(entry: Entry) -> str:
    """One line about it, for a person."""
    at_s = (entry.at_ns - START_NS) / S
    if isinstance(entry, Call):
        extra = "".join(f" {name}={value}" for name, value in _extra(entry))
        return f"{at_s:8.4f} s  host {entry.host} calls {_told_task(entry.task)}{extra}"
    fields = [name for name in entry.__dataclass_fields__ if name != "at_ns"]
    return f"{at_s:8.4f} s  {type(entry).__name__} {' '.join(f'{name}={getattr(entry, name)}' for name in fields)}"


def _extra(call: Call) -> list[tuple[str, object]]:
    said = (("key", call.key or None), ("priority", call.priority), ("cancel_ms", call.cancel_ms or None))
    return [(name, value) for name, value in said if value is not None]


def _told_task(task: Task) -> str:
    how = f"{' plain' if task.plain else ''}{' crash' if task.crash else ''}"
    ending = "" if task.ending is Code.OK else f" {task.ending.name}"
    below = f" [{', '.join(_told_task(child) for child in task.children)}]" if task.children else ""
    return f"{task.feature[1:]} {task.work_ms}/{task.timeout_ms} ms{how}{ending}{below}"
