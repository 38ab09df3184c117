"""How the fleet's experiments stand: what is decided about them, what all brokers have counted, and what that says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from h2o_console.asking.hoststats import gather
from h2o_console.asking.register import agent_address, in_register, read_agents, read_lives
from h2o_core.control.traffic import WHOLE
from h2o_core.experiment.arms import Counted, stage_of, together
from h2o_core.experiment.judging import judge
from h2o_core.experiment.reported import counted_of
from h2o_core.io.changes import read_decided
from h2o_core.io.clock import unix_s
from h2o_core.io.context import agent_token
from h2o_core.plan.situation import Decided

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_core.context import Context
    from h2o_core.control.traffic import Traffic
    from h2o_core.experiment.arms import Stage
    from h2o_core.experiment.judging import Judged
    from h2o_core.io.registry import Registry
    from h2o_core.pb.host_pb2 import HostStats

_DECIDED_S: Final = 5.0
"""A session with the register for each look would be more than the register's share of the work."""


@dataclass(frozen=True, slots=True)
class Running:
    """An experiment that runs. `behind`: hosts whose brokers count another stage of it, or none (yet)."""

    traffic: Traffic
    counted: Counted
    judged: Judged
    behind: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Looked:
    """All experiments, by package. `silent`: hosts whose counts are missing → why. `at_s`: Unix time.

    `idle`: packages whose document names an experiment, while fewer than two versions have weight.
    """

    decided: Decided
    running: Mapping[str, Running]
    idle: tuple[str, ...]
    silent: Mapping[str, str]
    at_s: float


class Looking:
    """Looks at experiments again and again: at what is counted each time, at what is decided every few seconds."""

    def __init__(self, context: Context, timeout_s: float, say: Callable[[str], None]) -> None:
        self._context = context
        self._timeout_s = timeout_s
        self._say = say
        self._read_at_s = 0.0
        self._decided = Decided(0)
        self._agents: dict[str, str] = {}

    def look(self) -> Looked:
        """Ask all agents, many at once.

        Raises NoRegister, InvalidDocument for an epoch that can't be read, and NoContext.
        """
        if unix_s() - self._read_at_s >= _DECIDED_S:
            work = partial(_read, say=self._say)
            self._decided, self._agents = in_register(self._context, self._timeout_s, work)
            self._read_at_s = unix_s()
        named = {package: one for package, one in self._decided.traffic.items() if one.experiment and not one.ended}
        stages = {package: stage for package, one in named.items() if (stage := stage_of(one)) is not None}
        asked = self._agents if stages else {}
        gathered = gather(asked, self._timeout_s, lambda address: agent_token(self._context, address))
        heard = {host: one for host, one in gathered.answers.items() if one.HasField("report")}
        silent = dict(gathered.unreachable)
        for host in gathered.answers.keys() - heard.keys():
            silent[host] = gathered.answers[host].broker_problem or "its broker does not answer its agent"
        now_s = unix_s()
        running = {package: _running(named[package], stage, heard, now_s) for package, stage in stages.items()}
        return Looked(self._decided, running, tuple(sorted(named.keys() - stages.keys())), silent, now_s)


async def _read(registry: Registry, say: Callable[[str], None]) -> tuple[Decided, dict[str, str]]:
    """What is decided, and every live host → its agent, "" without one."""
    decided = await read_decided(registry)
    lives, agents = await read_lives(registry, say), await read_agents(registry, say)
    addresses = {one.host: agent_address(one) for one in agents}
    return decided, {live.host: addresses.get(live.host, "") for live in lives}


def _running(traffic: Traffic, stage: Stage, heard: Mapping[str, HostStats], now_s: float) -> Running:
    counts = {
        host: counted
        for host, one in heard.items()
        for report in one.report.experiments
        if report.package == traffic.package
        if (counted := counted_of(report)) is not None and counted.stage == stage
    }
    counted = together(counts.values()) or Counted(traffic.package, stage, now_s, {})
    judged = judge(counted, traffic.min_effect / WHOLE, now_s)
    return Running(traffic, counted, judged, tuple(sorted(heard.keys() - counts.keys())))
