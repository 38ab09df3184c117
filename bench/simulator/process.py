"""One process of a simulated fleet: the agents' HTTP of some hosts, and their nodes in ZooKeeper.

``python -m bench.simulator.process JSON`` with the fields of `Task`. It answers each line on its standard input
with one of JSON: ``{"ports": {host: port}}`` once all hosts of the fleet are in the register; it ends with the input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import sys
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import uvicorn

from bench.simulator.host import SimulatedHost
from bench.simulator.nodes import agent_node, live_host, manifests, picture
from bench.simulator.plan import FLEET, Host, Plan, plan
from bench.simulator.remembering import SimulatedPast
from h2o_agent.http.app import build
from h2o_agent.logs.shelf import Shelf
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import MirrorEvent, NodeExists, NodeGone, NodeSeen, Registry
from h2o_core.znodes.agents import encode_agent, parse_agent
from h2o_core.znodes.live import encode_live
from h2o_core.znodes.packages import encode_package_version

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

_START_S: Final = 10.0
_READY_S: Final = 30.0
_NO_LOGS: Final = Path("no-such-directory")
_VERSION: Final = "0.1.0"


@dataclass(frozen=True, slots=True)
class Task:
    """Which part of which fleet: hosts *first* up to *last*, without that one."""

    zookeeper: str
    hosts: int
    instances: int
    packages: int
    first: int
    last: int
    busy: bool

    def to_json(self) -> str:
        """The argument of `python -m bench.simulator.process`."""
        return json.dumps(asdict(self))


class _Server(uvicorn.Server):
    """Signals end the process, not one server."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them alone."""
        yield


class _Part:
    """The hosts of this process, each on its own port; one application a host, chosen by that port."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._plan: Plan = plan(task.hosts, task.instances, task.packages, busy=task.busy)
        self._hosts: tuple[Host, ...] = self._plan.hosts[task.first : task.last]
        self._agents: dict[str, str] = {}
        self._all_known = asyncio.Event()
        self._applications: dict[int, ASGIApp] = {}
        self._registry = Registry(task.zookeeper, FLEET, dev=True, session_timeout_s=20.0)
        self.ports: dict[str, int] = {}

    async def start(self) -> asyncio.Task[None]:
        """Serve and register; the task ends when the server does."""
        versions = manifests(self._plan)
        seen = picture(self._plan, versions, unix_s())
        sockets: list[socket.socket] = []
        for host in self._hosts:
            listener = socket.create_server(("127.0.0.1", 0), backlog=128)
            sockets.append(listener)
            self.ports[host.name] = port = listener.getsockname()[1]
            source = SimulatedHost(host, self._plan.hosts, seen, self._agents, FLEET)
            shelf, past = Shelf(_NO_LOGS, host.name, _VERSION), SimulatedPast(host)
            self._applications[port] = build(source, _VERSION, shelf, past=past)
        serving = asyncio.create_task(_Server(_config(self._answer)).serve(sockets))
        await self._register({(one.package, one.version): one.digest for one in versions})
        return serving

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._applications[scope["server"][1]](scope, receive, send)

    async def _register(self, digests: Mapping[tuple[str, str], str]) -> None:
        registry, paths = self._registry, self._registry.paths
        await registry.start(_START_S)
        if self._task.first == 0:
            for one in manifests(self._plan):
                with suppress(NodeExists):
                    await registry.create(paths.version(one.package, one.version), encode_package_version(one))
        for host in self._hosts:
            live = live_host(host, unix_s(), dict(digests))
            await registry.create(paths.live(host.name), encode_live(live), ephemeral=True)
            node = agent_node(host, self.ports[host.name])
            await registry.create(paths.agent(host.name), encode_agent(node), ephemeral=True)
        registry.mirror(paths.agents, self._on_event)

    def _on_event(self, event: MirrorEvent) -> None:
        if isinstance(event, NodeSeen):
            node = parse_agent(f"{self._registry.paths.agents}/{event.name}", event.data)
            self._agents[node.host] = f"{node.address}:{node.port}"
        elif isinstance(event, NodeGone):
            self._agents.pop(event.name, None)
        if len(self._agents) == self._task.hosts:
            self._all_known.set()

    async def known(self) -> None:
        """Return when every host of the fleet is in the register; raises TimeoutError."""
        async with asyncio.timeout(_READY_S):
            await self._all_known.wait()

    async def stop(self) -> None:
        """Leave the register."""
        await self._registry.stop()


def _config(application: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        interface="asgi3",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
    )


async def main(task: Task) -> None:
    """Serve until standard input closes."""
    part = _Part(task)
    serving = await part.start()
    gc.freeze()  # what was made until now stays; looking through it again and again costs more than serving
    try:
        while await asyncio.to_thread(sys.stdin.readline):
            answer: dict[str, Any]
            try:
                await part.known()
                answer = {"ports": part.ports}
            except TimeoutError:
                answer = {"error": f"not all hosts were in the register within {_READY_S:g} s"}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await part.stop()
        serving.cancel()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(Task(**json.loads(sys.argv[1]))))
