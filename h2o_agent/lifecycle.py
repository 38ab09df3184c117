"""What becomes of one child process: a table of states, events in, instructions out. Pure: time is an argument.

Draining is SIGTERM sent: an instance leaves the register by itself, finishes what it has and exits. Stopping
is SIGKILL sent, when the grace is over. A child that dies comes back at once the first time, then after a
back-off that doubles up to a cap, until it has lived for a while. Recycling is the same
as draining, but it is started again. All times are monotonic seconds.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(StrEnum):
    """Where a child is."""

    WAITING = "waiting"
    """Not started yet: its turn has not come."""
    STARTING = "starting"
    """Started, but not ready: not registered with the broker, or the broker does not answer yet."""
    RUNNING = "running"
    DRAINING = "draining"
    STOPPING = "stopping"
    RECYCLING = "recycling"
    """Told to leave or killed, because it must not go on as it is; started again when it has ended."""
    BACKOFF = "backoff"
    """Dead, and started again when its time comes."""
    FAILED = "failed"
    """Could not even be started (no such command); tried again, but somebody has to look."""
    STOPPED = "stopped"


class Event(StrEnum):
    """What can happen to a child."""

    START = "start"
    SPAWNED = "spawned"
    SPAWN_FAILED = "spawn failed"
    ADOPTED = "adopted"
    READY = "ready"
    UNREADY = "unready"
    EXITED = "exited"
    RECYCLE = "recycle"
    STOP = "stop"
    DUE = "due"


class Act(StrEnum):
    """What the shell is to do with a child."""

    SPAWN = "spawn"
    TERMINATE = "terminate"
    KILL = "kill"


Instruction = tuple[Act, str]

TABLE: Final[Mapping[tuple[State, Event], State]] = {
    (State.WAITING, Event.START): State.STARTING,
    (State.WAITING, Event.ADOPTED): State.STARTING,
    (State.WAITING, Event.STOP): State.STOPPED,
    (State.STARTING, Event.SPAWNED): State.STARTING,
    (State.STARTING, Event.SPAWN_FAILED): State.FAILED,
    (State.STARTING, Event.READY): State.RUNNING,
    (State.STARTING, Event.UNREADY): State.STARTING,
    (State.STARTING, Event.EXITED): State.BACKOFF,
    (State.STARTING, Event.STOP): State.DRAINING,
    (State.STARTING, Event.RECYCLE): State.RECYCLING,
    (State.RUNNING, Event.READY): State.RUNNING,
    (State.RUNNING, Event.UNREADY): State.STARTING,
    (State.RUNNING, Event.EXITED): State.BACKOFF,
    (State.RUNNING, Event.STOP): State.DRAINING,
    (State.RUNNING, Event.RECYCLE): State.RECYCLING,
    (State.RECYCLING, Event.READY): State.RECYCLING,
    (State.RECYCLING, Event.UNREADY): State.RECYCLING,
    (State.RECYCLING, Event.SPAWNED): State.RECYCLING,
    (State.RECYCLING, Event.SPAWN_FAILED): State.FAILED,
    (State.RECYCLING, Event.RECYCLE): State.RECYCLING,
    (State.RECYCLING, Event.DUE): State.RECYCLING,
    (State.RECYCLING, Event.EXITED): State.BACKOFF,
    (State.RECYCLING, Event.STOP): State.DRAINING,
    (State.BACKOFF, Event.DUE): State.STARTING,
    (State.BACKOFF, Event.ADOPTED): State.STARTING,
    (State.BACKOFF, Event.STOP): State.STOPPED,
    (State.FAILED, Event.DUE): State.STARTING,
    (State.FAILED, Event.STOP): State.STOPPED,
    (State.DRAINING, Event.SPAWNED): State.DRAINING,
    (State.DRAINING, Event.SPAWN_FAILED): State.STOPPED,
    (State.DRAINING, Event.READY): State.DRAINING,
    (State.DRAINING, Event.UNREADY): State.DRAINING,
    (State.DRAINING, Event.STOP): State.DRAINING,
    (State.DRAINING, Event.DUE): State.STOPPING,
    (State.DRAINING, Event.EXITED): State.STOPPED,
    (State.STOPPING, Event.READY): State.STOPPING,
    (State.STOPPING, Event.UNREADY): State.STOPPING,
    (State.STOPPING, Event.SPAWNED): State.STOPPING,
    (State.STOPPING, Event.SPAWN_FAILED): State.STOPPED,
    (State.STOPPING, Event.STOP): State.STOPPING,
    (State.STOPPING, Event.DUE): State.STOPPED,
    (State.STOPPING, Event.EXITED): State.STOPPED,
    (State.STOPPED, Event.STOP): State.STOPPED,
    # given up on after SIGKILL, and heard of after all
    (State.STOPPED, Event.READY): State.STOPPED,
    (State.STOPPED, Event.UNREADY): State.STOPPED,
    (State.STOPPED, Event.SPAWNED): State.STOPPED,
    (State.STOPPED, Event.SPAWN_FAILED): State.STOPPED,
    (State.STOPPED, Event.EXITED): State.STOPPED,
}

_LATE: Final[Mapping[State, Act]] = {
    State.RECYCLING: Act.TERMINATE,
    State.DRAINING: Act.TERMINATE,
    State.STOPPING: Act.KILL,
    State.STOPPED: Act.KILL,
}
"""What a process gets that appears after it was told to leave."""

KILL_PATIENCE_S: Final = 5.0
"""A process that SIGKILL does not end within this hangs in the kernel; waiting longer helps nobody."""


class InvalidTransition(Exception):
    """An event that the table does not have for this state; the sentence carries what led there."""

    def __init__(self, child: Child, event: Event) -> None:
        history = ", ".join(f"{at:.3f} {what} → {to}" for at, what, to in child.story)
        super().__init__(f"{child.key}: {event} in state {child.state}; before: {history or 'nothing'}")


@dataclass(frozen=True, slots=True)
class Policy:
    """How patiently a child is started again, and how long it may take to leave."""

    first_backoff_s: float = 0.5
    cap_s: float = 30.0
    stable_s: float = 60.0
    """Having lived this long, a death counts as the first one again."""
    grace_s: float = 10.0

    def backoff_s(self, failures: int) -> float:
        """The pause after the *failures*-th death in a row: none, then doubling up to the cap."""
        if failures <= 1:
            return 0.0
        return min(self.cap_s, self.first_backoff_s * 2.0 ** min(failures - 2, 32))


@dataclass(slots=True)
class Child:
    """One child's state; only `handle` changes it."""

    key: str
    policy: Policy = field(default_factory=Policy)
    state: State = State.WAITING
    pid: int = 0
    """0 while there is no process."""
    since_s: float = 0.0
    """When it came into its state."""
    spawned_s: float = 0.0
    due_s: float | None = None
    """When DUE is due: the end of a back-off, of the grace, of the patience after SIGKILL."""
    failures: int = 0
    """Deaths in a row."""
    restarts: int = 0
    last_exit: int | None = None
    """Of the last process: exit code, or minus the signal's number; None: unknown, or none died yet."""
    why: str = ""
    """Why it could not be started, or what it said before it died."""
    wanted: bool = True
    """False: not started again when it dies."""
    ordered: bool = False
    """Its process has been ordered, and has neither come nor failed yet."""
    story: deque[tuple[float, Event, State]] = field(default_factory=lambda: deque(maxlen=16))

    def handle(
        self,
        event: Event,
        now_s: float,
        *,
        pid: int = 0,
        age_s: float = 0.0,
        exit_code: int | None = None,
        why: str = "",
        grace_s: float | None = None,
    ) -> list[Instruction]:
        """One event; raises InvalidTransition. *age_s*: how long an adopted process has lived already."""
        before = self.state
        after = TABLE.get((before, event))
        if after is None:
            raise InvalidTransition(self, event)
        self.story.append((now_s, event, after))
        if after is not before:
            self.state, self.since_s, self.due_s = after, now_s, None
        if event in {Event.SPAWNED, Event.SPAWN_FAILED}:
            self.ordered = False
        match event:
            case Event.SPAWNED | Event.ADOPTED:
                self.pid, self.spawned_s, self.why = pid, now_s - age_s, ""
                # told to stop between the order to spawn and the process
                late = _LATE.get(after)
                return [(late, self.key)] if late else []
            case Event.SPAWN_FAILED:
                self.failures, self.why = self.failures + 1, why
                if after is State.FAILED:
                    self.due_s = now_s + self.policy.cap_s
                    return [] if self.wanted else self.handle(Event.STOP, now_s)
            case Event.EXITED:
                if before is not State.RECYCLING:
                    self.why = why
                return self._exited(now_s, exit_code)
            case Event.RECYCLE:
                return self._recycle(before, now_s, why, self.policy.grace_s if grace_s is None else grace_s)
            case Event.STOP:
                return self._stop(before, now_s, self.policy.grace_s if grace_s is None else grace_s)
            case Event.START | Event.DUE:
                return self._due(before, now_s)
            case _:
                pass
        return []

    def _exited(self, now_s: float, exit_code: int | None) -> list[Instruction]:
        self.pid, self.last_exit = 0, exit_code
        if self.state is not State.BACKOFF:
            return []
        if now_s - self.spawned_s >= self.policy.stable_s:
            self.failures = 0
        self.failures += 1
        self.due_s = now_s + self.policy.backoff_s(self.failures)
        return self.tick(now_s) if self.wanted else self.handle(Event.STOP, now_s)

    def _stop(self, before: State, now_s: float, grace_s: float) -> list[Instruction]:
        if self.state is not State.DRAINING:
            return []
        deadline_s = now_s + grace_s
        # a second, more impatient STOP brings the end nearer, never further away
        self.due_s = deadline_s if self.due_s is None else min(self.due_s, deadline_s)
        told = before in {State.DRAINING, State.RECYCLING}
        return [(Act.TERMINATE, self.key)] if self.pid and not told else []

    def _recycle(self, before: State, now_s: float, why: str, grace_s: float) -> list[Instruction]:
        """Without a grace it is killed: what hangs does not hear."""
        if before is State.RECYCLING:
            return []
        self.why = why
        self.due_s = now_s + (grace_s or KILL_PATIENCE_S)
        return [(Act.TERMINATE if grace_s else Act.KILL, self.key)] if self.pid else []

    def _due(self, before: State, now_s: float) -> list[Instruction]:
        if self.state is State.STARTING:
            if before is not State.WAITING:
                self.restarts += 1
            self.ordered = True
            return [(Act.SPAWN, self.key)]
        if self.state in {State.STOPPING, State.RECYCLING}:
            self.due_s = now_s + KILL_PATIENCE_S
            return [(Act.KILL, self.key)] if self.pid else []
        return []

    def retire(self, now_s: float) -> None:
        """Let it live on, but don't start it again."""
        self.wanted = False
        if self.state in {State.WAITING, State.BACKOFF, State.FAILED}:
            self.handle(Event.STOP, now_s)

    def tick(self, now_s: float) -> list[Instruction]:
        """What time alone brings about."""
        if self.due_s is None or now_s < self.due_s:
            return []
        return self.handle(Event.DUE, now_s)

    @property
    def over(self) -> bool:
        """No process, and none to come."""
        return self.state is State.STOPPED

    @property
    def forgettable(self) -> bool:
        """Over, and nothing will be heard of it any more."""
        return self.over and not self.pid and not self.ordered

    @property
    def crash_loops(self) -> bool:
        """It dies again and again."""
        return self.failures > 2 and self.state in {State.BACKOFF, State.STARTING}


def exit_text(exit_code: int | None) -> str:
    """``exit code 1``, ``signal 9``."""
    if exit_code is None:
        return "an unknown exit code"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
