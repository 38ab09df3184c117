"""One simulated host: what its broker reports and its agent knows, as the agent's HTTP application asks for it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Final

from bench.simulator.counting import BEFORE_S, Growing, Served
from h2o_agent.lifecycle import State
from h2o_agent.snapshot import ChildStatus, Snapshot, Told
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.pb.registration_pb2 import Check, Heartbeat
from h2o_core.pb.stats_pb2 import BrokerReport, RegisterReport

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.simulator.plan import Host, Instance
    from h2o_core.pb.stats_pb2 import Picture

SLOTS: Final = 64
_PERIOD_S: Final = 1.0
_BROKER_PID: Final = 100
_CRASHING_EVERY: Final = 40


class SimulatedHost:
    """A `Source` of h2o_agent.http: its counters move on when it is asked, at most once a second, as a broker's do."""

    def __init__(
        self, host: Host, others: Sequence[Host], picture: Picture, agents: Mapping[str, str], fleet: str
    ) -> None:
        """*agents*: host → where its agent answers, as the register says; *picture* is shared by all."""
        self.host = host
        self._fleet = fleet
        self._picture = picture
        self._agents = agents
        self._dice = Random(host.number)
        self._began_s = unix_s() - self._dice.random()
        self._told_ns = 0
        self._advancing: list[Served] = []
        self._calling: list[Growing] = []
        self.report = self._report(others)
        self._advance()

    # what its application asks

    def snapshot(self) -> Snapshot:
        """The host as it stands."""
        now_ns = monotonic_ns()
        if now_ns - self._told_ns >= _PERIOD_S * 1e9:
            self._told_ns = now_ns
            self._advance()
        now_s = unix_s()
        return Snapshot(
            host=self.host.name,
            fleet=self._fleet,
            zone=self.host.zone,
            now_s=now_s,
            told=Told(self.report, self._picture),
            broker=self._child("broker", "", "broker", _BROKER_PID, now_s),
            children=self._children(now_s),
            agents=self._agents,
        )

    async def refresh(self) -> None:
        """Nothing is older than a second here."""

    # how it is made up

    def _report(self, others: Sequence[Host]) -> BrokerReport:
        host = self.host
        report = BrokerReport(
            host=host.name,
            zone=host.zone,
            fleet=self._fleet,
            incarnation=host.number + 1,
            started_s=self._began_s - BEFORE_S,
            pid=_BROKER_PID,
            picture_version=self._picture.version,
            epoch=7,
            register=RegisterReport(state="connected"),
        )
        for instance in host.instances:
            self._add_instance(report, instance)
            self._add_calls(report, instance)
        for package, version in sorted({(one.package.name, one.version) for one in host.instances}):
            report.queues.add(package=package, version=version, capacity=2 * SLOTS)
        for other in others:
            if other.name != host.name:
                report.peers.add(host=other.name, state="up", incarnation=other.number + 1, rtt_ms=0.4)
        report.counters["late_answers"] = host.number % 5
        return report

    def _add_instance(self, report: BrokerReport, instance: Instance) -> None:
        package, made = instance.package, report.instances.add()
        made.instance, made.package, made.version = instance.id, package.name, instance.version
        made.pid, made.launch, made.slots, made.state = 1000 + instance.number, instance.launch, SLOTS, "ready"
        made.started_s = self._began_s - BEFORE_S
        if instance.number % 3 == 0:
            check = Check(name="database", severity=Check.PAGE, observed=3.0, unit="ms", time_s=self._began_s)
            made.heartbeat.CopyFrom(Heartbeat(checks=[check]))
        for feature in package.features:
            rate = package.per_s * feature.share
            self._advancing.append(Served(made.features.add(), feature, rate, self.host.slowness, self._dice))

    def _add_calls(self, report: BrokerReport, instance: Instance) -> None:
        for feature in instance.package.calls:
            made = report.callers.add()
            made.caller, made.version, made.feature = instance.package.name, instance.version, feature.name
            rate = instance.package.per_s / max(len(instance.package.calls), 1)
            self._calling.append(Growing(feature, rate, 1.2, self._dice, made.latency, made.outcomes))

    def _advance(self) -> None:
        now_s, report = unix_s(), self.report
        report.now_s = now_s
        t_s = now_s - self._began_s
        for served in self._advancing:
            served.advance(t_s, now_s)
        for calling in self._calling:
            calling.advance(t_s)
        for at, instance in enumerate(report.instances):
            instance.pong_age_ms = instance.heartbeat_age_ms = float((at * 37 + report.peers.__len__()) % 300)
            instance.in_flight = int(self.host.instances[at].package.per_s * 0.02 * self._dice.random() * 2)
            instance.heartbeat.executing = instance.in_flight
        rtt_ms = 0.3 + 0.3 * self._dice.random()
        for peer in report.peers:
            peer.rtt_ms, peer.pong_age_ms = rtt_ms, 120.0

    def _children(self, now_s: float) -> tuple[ChildStatus, ...]:
        children = [
            self._child(one.key, one.package.name[1:], one.launch, 1000 + one.number, now_s)
            for one in self.host.instances
        ]
        if self.host.number % _CRASHING_EVERY == 5:
            children.append(self._crashing(now_s))
        return tuple(children)

    def _child(self, key: str, package: str, launch: str, pid: int, now_s: float) -> ChildStatus:
        started_s = self._began_s - BEFORE_S
        return ChildStatus(
            key=key,
            package=package,
            state=State.RUNNING,
            token=launch,
            pid=pid,
            started_s=started_s,
            age_s=now_s - started_s,
        )

    def _crashing(self, now_s: float) -> ChildStatus:
        package = self.host.instances[0].package.name[1:]
        turn_s = (now_s - self._began_s) % 30
        return ChildStatus(
            key=f"{package.replace('/', '.')}-crash-1",
            package=package,
            state=State.BACKOFF,
            age_s=turn_s,
            due_in_s=30 - turn_s,
            failures=9,
            restarts=9,
            last_exit=1,
            why="KeyError: 'DATABASE_URL'",
            crash_loops=True,
        )
