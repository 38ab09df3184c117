"""The agent's own node in ZooKeeper, made anew in each session, and who the other agents are."""

from __future__ import annotations

import asyncio
import logging
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_agent.skew import ClockReading, estimate
from h2o_core.access import Role
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.registry import (
    Create,
    Delete,
    NodeExists,
    NodeGone,
    NodeSeen,
    NoNode,
    RegisterError,
    RegisterRefused,
    RegisterUnavailable,
    Registry,
    StateKind,
    TransactionFailed,
    VersionConflict,
)
from h2o_core.znodes.agents import AgentNode, encode_agent, parse_agent

if TYPE_CHECKING:
    from h2o_agent.skew import Skew
    from h2o_core.hostfile import HostFile
    from h2o_core.io.registry import MirrorEvent, Node, RegistryState

log = logging.getLogger(__name__)

RETRY_S: Final = 1.0
START_S: Final = 2.0
COMPARE_S: Final = 3600.0
"""How often this host's clock is compared with the register's."""


class ForeignAgent(RegisterError):
    """Another machine is registered under this host's name."""


class Registration:
    """Keeps `agents/<host>` ours. `run` for as long as the host is to be known, then `stop`."""

    def __init__(self, hostfile: HostFile, own: AgentNode, secret: bytes) -> None:
        """Raises RegisterRefused when the host file's ZooKeeper can't be used at all."""
        self._own = own
        self._registry = Registry(
            hostfile.zookeeper,
            hostfile.fleet,
            dev=hostfile.dev,
            session_timeout_s=hostfile.session_timeout_s,
            on_state=self._on_state,
            role=Role.AGENT,
            secret=secret,
        )
        self._path = self._registry.paths.agent(own.host)
        self._wake = asyncio.Event()
        self._complained: type[RegisterError] | None = None
        self._addresses = {own.host: _address(own)}
        self.problem = "not registered yet"
        """Why this agent is not in the register; empty when it is."""
        self._skew: Skew | None = None

    @property
    def registry(self) -> Registry:
        """The agent's one session; `run` starts it, `stop` ends it."""
        return self._registry

    @property
    def addresses(self) -> dict[str, str]:
        """Where each host's agent serves HTTP: host → "address:port"; one's own is known without the register."""
        return self._addresses

    @property
    def silent_s(self) -> float:
        """For how long ZooKeeper has not answered; 0 while it does."""
        return self._registry.state.silent_s(monotonic_ns())

    @property
    def clock_skew_s(self) -> float | None:
        """How far this host's clock is ahead of the register's; None: unknown."""
        return None if self._skew is None else self._skew.now_s(_clocks())

    @property
    def register_s(self) -> float | None:
        """The register's own Unix time, at the earliest; None: unknown."""
        return None if self._skew is None else self._skew.register_s(_clocks())

    async def compare_clocks(self) -> None:
        """Have `register_s` known, if we are registered and the register answers quickly; raises RegisterError."""
        if not self.problem:
            await self._rewrite(encode_agent(self._own))

    async def run(self) -> None:
        """Register, and again whenever that is lost; until cancelled."""
        self._registry.mirror(self._registry.paths.agents, self._on_event)
        try:
            await self._registry.start(START_S)
        except (RegisterUnavailable, RegisterRefused) as error:
            self._complain(error)
        except RegisterError as error:  # no address at all: nothing will ever change that but another host file
            self._complain(error)
            return
        while True:
            self._wake.clear()
            try:
                await self._claim()
            except RegisterError as error:
                self._complain(error)
                with suppress(TimeoutError):
                    async with asyncio.timeout(RETRY_S):
                        await self._wake.wait()
                continue
            if not self._wake.is_set():
                self.problem = ""
                self._complained = None
                log.info("registered as %s", self._path)
                await self._stand()

    async def _stand(self) -> None:
        """Until something has happened to our node or the session; written again now and then for its stamp."""
        while not self._wake.is_set():
            # each write is a watch of every other agent's: not often, and not everybody at once
            pause_s = random.uniform(0.5, 1.0) * COMPARE_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
                return
            with suppress(RegisterError):  # if the node is gone, or the session, we are about to be told
                await self._rewrite(encode_agent(self._own))

    async def stop(self) -> None:
        """Leave the register; needs no ZooKeeper, and then the node goes when the session expires."""
        await self._registry.stop()

    async def _claim(self) -> None:
        """Make the node, or find that it is ours; raises RegisterError."""
        data = encode_agent(self._own)
        there = await self._registry.get(self._path)
        if there is not None and there.owner == self._registry.state.session_id:
            if there.data != data:
                await self._rewrite(data)
            return
        sent = _clocks()
        try:
            if there is None:
                await self._registry.create(self._path, data, ephemeral=True)
            else:
                self._check_ours(there)
                await self._registry.transact(
                    [Delete(self._path, version=there.version), Create(self._path, data, ephemeral=True)]
                )
        except (NodeExists, NoNode, VersionConflict, TransactionFailed):
            self._wake.set()
            msg = f"{self._path} changed while it was claimed"
            raise RegisterUnavailable(msg) from None
        await self._compare_clocks(sent, _clocks())

    async def _rewrite(self, data: bytes) -> None:
        sent = _clocks()
        await self._registry.set(self._path, data)
        await self._compare_clocks(sent, _clocks())

    async def _compare_clocks(self, sent: ClockReading, answered: ClockReading) -> None:
        """Our own node has just been written: its stamp is the register's time between these two."""
        node = await self._registry.get(self._path)
        if node is not None and node.owner == self._registry.state.session_id:
            self._skew = estimate(sent, answered, node.stamp_ms / 1000) or self._skew

    def _check_ours(self, there: Node) -> None:
        """An earlier agent of this machine left it, and its session lingers; raises ForeignAgent for another's."""
        try:
            other = parse_agent(self._path, there.data)
        except InvalidDocument as error:
            log.warning("replacing what stands at %s: %s", self._path, error)
            return
        if other.machine != self._own.machine:
            msg = (
                f"another machine ({other.machine}, agent at {other.address}:{other.port}) is registered as "
                f"{self._own.host}; give one of them another name"
            )
            raise ForeignAgent(msg)

    def _complain(self, error: RegisterError) -> None:
        self.problem = str(error)
        if type(error) is not self._complained:
            log.warning("not in the register: %s", error)
            self._complained = type(error)

    def _on_state(self, state: RegistryState) -> None:
        if state.kind is not StateKind.CONNECTED:
            self.problem = state.error or "ZooKeeper does not answer"
        self._wake.set()

    def _on_event(self, event: MirrorEvent) -> None:
        match event:
            case NodeSeen(name=name, data=data):
                self._seen(name, data)
            case NodeGone(name=name):
                if name == self._own.host:
                    self._wake.set()
                else:
                    self._addresses.pop(name, None)
            case _:
                pass

    def _seen(self, host: str, data: bytes) -> None:
        try:
            node = parse_agent(f"{self._registry.paths.agents}/{host}", data)
        except InvalidDocument as error:
            log.warning("what stands in the register is no agent: %s", error)
            return
        if host != self._own.host:
            self._addresses[host] = _address(node)
        elif node != self._own:
            self._wake.set()


def _clocks() -> ClockReading:
    return ClockReading(unix_s(), monotonic_ns() / 1e9)


def _address(node: AgentNode) -> str:
    return f"[{node.address}]:{node.port}" if ":" in node.address else f"{node.address}:{node.port}"
