"""All that the agent knows at one moment, put together for one answer. Immutable; the views render it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_agent.lifecycle import State, exit_text
from h2o_agent.usage import NO_USE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_agent.conductor.conducting import Conducting
    from h2o_agent.launch import Launch
    from h2o_agent.recent import Window
    from h2o_agent.usage import HostVitals, Use
    from h2o_core.pb.stats_pb2 import BrokerReport, Picture

STALE_S: Final = 3.0
"""A report is made once a second; from this age on it is called old."""
LOST_S: Final = 10.0
"""From this age on it is not shown any more."""


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """A child as it stands, for those who show it. Ages and `due_in_s` in seconds at the time of reading."""

    key: str
    package: str
    state: State
    token: str = ""
    pid: int = 0
    started_s: float = 0.0
    """Unix time of the process's start; 0 while there is none."""
    age_s: float = 0.0
    """In its state."""
    due_in_s: float | None = None
    failures: int = 0
    restarts: int = 0
    exited: bool = False
    """A process of it has died since the agent started, or was found dead then."""
    last_exit: int | None = None
    """Exit code, or minus the signal's number; None: unknown, or none has died."""
    last_exit_s: float = 0.0
    """Unix time of that; 0: unknown, or none has died."""
    why: str = ""
    """Why it could not be started, or what it said before it died."""
    crash_loops: bool = False
    last_lines: tuple[str, ...] = ()
    """What the last process that ended wrote last; at most 20, as they came."""
    last_why: str = ""
    """What the agent ended it for; empty: it ended by itself, or left."""
    unkept: tuple[str, ...] = ()
    """A sentence for each limit of the host file that the system does not grant."""
    launch: Launch | None = None
    """How it is started; None: the host file has no place for it any more."""
    use: Use = NO_USE
    """What its process uses."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the broker said last. `age_s`: how long ago, 0 while it answers once a second."""

    report: BrokerReport
    picture: Picture
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One host at one moment. Unix seconds."""

    host: str
    fleet: str
    zone: str
    now_s: float
    told: Told | None = None
    broker: ChildStatus | None = None
    """None: it has left."""
    children: tuple[ChildStatus, ...] = ()
    agents: Mapping[str, str] = field(default_factory=dict[str, str])
    register_problem: str = ""
    """Why the agent itself is not in the register; empty when it is."""
    leaving: bool = False
    supervised_s: float = 0.0
    """How long ago the supervisor last looked after its children."""
    vitals: HostVitals | None = None
    """How the server does; None in the first second."""
    clock_skew_s: float | None = None
    """How far this host's clock is ahead of the register's; None: unknown."""
    conducting: Conducting | None = None
    """Who conducts, and what the conductor sees to; None: nobody stands for that here."""
    lately: Window | None = None
    """What was counted within about the last minute; None before there is anything to compare."""
    log_lines_dropped: int = 0
    """Since the agent started."""

    def broker_problem(self) -> str:
        """Why there is nothing to tell of the broker, in a sentence; empty when it answers."""
        broker, told = self.broker, self.told
        if broker is None:
            return "the broker has left, and this host with it"
        if not broker.pid:
            return f"the broker is not running: {ended(broker)}"
        if told is None or told.report.pid != broker.pid:
            return f"the broker (pid {broker.pid}) was started {broker.age_s:.0f} s ago and does not answer yet"
        if told.age_s >= LOST_S:
            return f"the broker (pid {broker.pid}) has not answered for {told.age_s:.0f} s"
        return ""


def ended(child: ChildStatus) -> str:
    """Why a child does not run, and when it is tried again."""
    if child.state is State.WAITING:
        return "it waits for the broker"
    if child.state is State.FAILED:
        said = f"it can't be started: {child.why}"
    else:
        said = exit_text(child.last_exit)
        if child.failures > 1:
            said = f"{said}, {child.failures} times in a row"
        if child.crash_loops:
            said = f"crash loop: {said}"
        if child.why:
            said = f"{said} ({child.why})"
    return f"{said}; again in {child.due_in_s:.1f} s" if child.due_in_s is not None else said
