"""One agent: supervisor, broker link, registration and HTTP, put together; leaves in order."""

from __future__ import annotations

import asyncio
import logging
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from h2o_agent.broker_link import BrokerLink
from h2o_agent.calls import Caller
from h2o_agent.conductor.conductor import Conductor
from h2o_agent.conductor.neighbours import Neighbours
from h2o_agent.conductor.pictured import fleet_of
from h2o_agent.conductor.work import Surroundings
from h2o_agent.control_kept import ControlKept
from h2o_agent.history.past import Past
from h2o_agent.http.app import build
from h2o_agent.http.guard import Guard, own_names
from h2o_agent.http.server import HttpServer
from h2o_agent.launch import launches
from h2o_agent.ledger import Ledger
from h2o_agent.logs.keeper import Keeper
from h2o_agent.logs.shelf import AGENT, Shelf
from h2o_agent.metrics.totals import Totals
from h2o_agent.order import BROKER, Phase
from h2o_agent.recent import Recent
from h2o_agent.register import Registration
from h2o_agent.registrar import Registrar
from h2o_agent.snapshot import STALE_S, Snapshot, Told
from h2o_agent.supervisor import Supervisor
from h2o_agent.views.host import vitals_of
from h2o_agent.vitals import SAMPLE_S, Vitals
from h2o_core.access import journal_key
from h2o_core.context import AGENT_SOCKET, BROKER_SOCKET
from h2o_core.hostfile import InvalidHostFile, parse_hostfile
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.place import fleet_secret, machine_id, read_tokens, write_tokens
from h2o_core.io.version import own_version
from h2o_core.pb.explain_pb2 import Explanation
from h2o_core.pb.stats_pb2 import Ask
from h2o_core.znodes.agents import AgentNode

if TYPE_CHECKING:
    from h2o_agent.lifecycle import Policy
    from h2o_core.hostfile import HostFile
    from h2o_core.pb.explain_pb2 import Question
    from h2o_core.pb.stats_pb2 import BrokerReport

log = logging.getLogger(__name__)


class Agent:
    """Make it with the run directory's lock held, then await `run`; `leave` ends it."""

    def __init__(self, hostfile: HostFile, hostfile_path: str, policy: Policy) -> None:
        """Raises CannotStart, or RegisterRefused when the host file's ZooKeeper can't be used at all."""
        self._hostfile = hostfile
        self._hostfile_path = hostfile_path
        run_dir = Path(hostfile.run_dir)
        machine, secret = machine_id(hostfile), fleet_secret(hostfile)
        self._server = HttpServer(hostfile.http_bind, hostfile.http_port, str(run_dir / AGENT_SOCKET))
        readers, writers = read_tokens(hostfile, secret), write_tokens(hostfile, secret)
        self._guard = Guard(readers, own_names(hostfile), writers, hostfile.host)
        own = AgentNode(hostfile.host, hostfile.advertise, self._server.port, hostfile.zone, machine)
        self._registration = Registration(hostfile, own, secret)
        self._conductor = Conductor(
            self._registration.registry,
            hostfile.host,
            Surroundings(
                register_s=lambda: self._registration.register_s,
                compare_clocks=self._registration.compare_clocks,
                health=Neighbours(lambda: self._registration.addresses, readers[0]).health,
                fleet=lambda decided, healths: fleet_of(self._told(), decided, healths),
            ),
        )
        self._supervisor = Supervisor(
            launches(hostfile, hostfile_path, sys.executable),
            Ledger(Path(hostfile.state_dir) / "children.json"),
            policy,
            hostfile.log_bytes,
            str(run_dir),
        )
        self._shelf = Shelf(Path(hostfile.state_dir) / "logs", hostfile.host, own_version())
        self._keeper = Keeper(self._shelf, hostfile.log_bytes)
        self._vitals = Vitals(hostfile.state_dir)
        self._totals = Totals()
        self._recent = Recent(self._totals)
        self._link = BrokerLink(f"unix:{run_dir / BROKER_SOCKET}", self._heard, self._supervisor.unheard)
        self._caller = Caller(
            f"unix:{run_dir / BROKER_SOCKET}",
            hostfile.host,
            self._registration.registry,
            journal_key(secret, hostfile.fleet),
        )
        self._control = ControlKept(self._registration.registry)
        self._past = Past(hostfile.host, Path(hostfile.state_dir) / "history")

    async def run(self) -> None:
        """Serve until `leave` has been called and everything has left; raises what broke the agent itself."""
        serving = self._server.start(
            build(
                self,
                own_version(),
                self._shelf,
                self._guard,
                self._past,
                self._totals,
                self,
                self._caller,
                Registrar(self._registration.registry),
                self._control,
            )
        )
        try:
            async with asyncio.TaskGroup() as group:
                endless = (
                    self._link.run(),
                    self._registration.run(),
                    self._conductor.run(),
                    self._control.run(),
                    self._sample(),
                    self._keeper.run(self._keys),
                )
                working = [group.create_task(each) for each in endless]
                group.create_task(self._until_gone(serving, working))
                log.info("agent of %s serves http://%s:%d", *self._where())
                self._supervisor.start()
        finally:
            self._shelf.closing = True
            self._supervisor.close()
            await self._registration.stop()
            await self._server.stop()
            await self._past.close()

    def _keys(self) -> list[str]:
        """Of whose logs are kept: everybody's who has not left, and the agent's own."""
        return [AGENT, *(status.key for status in self._supervisor.statuses({}))]

    async def _sample(self) -> None:
        sampled_ns = monotonic_ns()
        while True:
            await asyncio.sleep(SAMPLE_S)
            self._vitals.sample(self._supervisor.pids())
            self._supervisor.watch_memory(self._vitals.children)
            vitals = vitals_of(self.snapshot())
            now_ns = monotonic_ns()
            if vitals is not None:
                self._past.sampled(vitals, (now_ns - sampled_ns) / 1e9)
            sampled_ns = now_ns

    def _heard(self, report: BrokerReport) -> None:
        self._supervisor.heard(report)
        self._past.heard(report)
        self._totals.heard(report)
        self._recent.heard(report, monotonic_ns() / 1e9)

    def reload(self) -> None:
        """Read the host file again: its instances count from now on, the rest of it from the next start on."""
        try:
            hostfile = parse_hostfile(Path(self._hostfile_path).read_text())
        except (OSError, UnicodeDecodeError, InvalidHostFile) as error:
            log.error("the host file is not used, what it said before stays in force: %s", error)  # noqa: TRY400 - it says it all
            return
        names = [each.name for each in fields(hostfile) if each.name != "instances"]
        later = [name for name in names if getattr(hostfile, name) != getattr(self._hostfile, name)]
        if later:
            log.warning("changed in the host file, and used when the agent starts again: %s", ", ".join(later))
        self._hostfile = replace(self._hostfile, instances=hostfile.instances)
        self._supervisor.reload(launches(self._hostfile, self._hostfile_path, sys.executable))

    def leave(self) -> None:
        """Leave in order: conductor, instances, broker, register. Called again: at once."""
        if self._supervisor.phase in {Phase.BROKER_FIRST, Phase.UP}:
            log.info("leaving")
            self._conductor.leave()
            self._supervisor.stop()
        else:
            log.warning("told to leave again: no more grace")
            self._supervisor.stop(0.0)

    async def _until_gone(self, serving: asyncio.Task[None], working: list[asyncio.Task[None]]) -> None:
        """The children's end is the agent's end; a server that ends before that is an error."""
        gone = asyncio.create_task(self._supervisor.gone.wait())
        await asyncio.wait([serving, gone], return_when=asyncio.FIRST_COMPLETED)
        if not gone.done():
            gone.cancel()
            await serving
            msg = "the HTTP server ended by itself"
            raise RuntimeError(msg)
        for task in working:
            task.cancel()

    def _where(self) -> tuple[str, str, int]:
        return self._hostfile.host, self._hostfile.http_bind, self._server.port

    # ------------------------------------------------------------------ what HTTP shows

    def snapshot(self) -> Snapshot:
        """The host as it stands."""
        statuses = self._supervisor.statuses(self._vitals.children)
        return Snapshot(
            host=self._hostfile.host,
            fleet=self._hostfile.fleet,
            zone=self._hostfile.zone,
            now_s=unix_s(),
            told=self._told(),
            broker=next((status for status in statuses if status.key == BROKER), None),
            children=tuple(status for status in statuses if status.key != BROKER),
            agents=self._registration.addresses,
            register_problem=self._registration.problem,
            leaving=self._supervisor.phase not in {Phase.BROKER_FIRST, Phase.UP},
            log_lines_dropped=self._shelf.dropped_lines,
            supervised_s=(monotonic_ns() - self._supervisor.ticked_ns) / 1e9,
            vitals=self._vitals.host,
            lately=self._recent.window,
            clock_skew_s=self._registration.clock_skew_s,
            conducting=self._conductor.now,
        )

    async def refresh(self) -> None:
        """Ask the broker now, unless it has just been asked."""
        await self._link.refresh()

    async def explain(self, question: Question) -> Explanation | None:
        """How the broker chooses; None when it does not answer."""
        body = await self._link.ask(Ask(what=Ask.WHY, question=question))
        try:
            return None if body is None else Explanation.FromString(body)
        except DecodeError:  # its broker is older, and knows no such question
            return None

    def _told(self) -> Told | None:
        heard = self._link.last
        if heard is None:
            return None
        age_s = (monotonic_ns() - heard.at_ns) / 1e9
        # while it answers each second its age is that of `as_of`; so the same report is the same bytes
        return Told(heard.report, heard.picture, age_s if age_s >= STALE_S else 0.0)
