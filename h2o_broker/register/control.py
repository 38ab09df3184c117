"""ZooKeeper's side of the broker: the register's events into what is known, this host's node out of it."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING, Final

from h2o_broker.register.alarms import Kind
from h2o_broker.register.catching_up import CatchingUp
from h2o_broker.register.known import CONTROL, LIVE, PACKAGES, Known
from h2o_broker.register.live_node import RETRY_S, LiveNode
from h2o_broker.register.publishing import Publisher
from h2o_broker.report import register_report
from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.io.registry import (
    NodeExists,
    NodeGone,
    NodeSeen,
    RegisterError,
    RegisterUnavailable,
    StateKind,
    Synced,
)
from h2o_core.times import Moment

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from h2o_broker.links import Links
    from h2o_broker.register.last_known import LastKnown
    from h2o_broker.register.last_known_file import LastKnownFile
    from h2o_broker.roster import Roster
    from h2o_broker.switch import Switch
    from h2o_core.io.registry import MirrorEvent, Registry, RegistryState
    from h2o_core.pb.stats_pb2 import RegisterReport
    from h2o_core.znodes.live import LiveHost

log = logging.getLogger(__name__)

SLICE: Final = 32
"""Remembered documents applied before others on the loop have their turn."""


class Control:
    """What this broker knows from the register, and what the register knows from it."""

    def __init__(
        self,
        registry: Registry,
        switch: Switch,
        roster: Roster,
        links: Links,
        file: LastKnownFile,
        document: Callable[[], LiveHost],
        flush: Callable[[], None],
    ) -> None:
        self._registry = registry
        self._links = links
        self._oddities = switch.oddities
        self._own_host = switch.host
        self._file = file
        self._flush = flush
        self._session = 0
        self._connected_ns = 0
        self._read = {part: asyncio.Event() for part in (LIVE, PACKAGES, CONTROL)}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._paths = registry.paths
        self.known = Known(registry.paths.fleet, switch, roster, links)
        self._catching_up = CatchingUp(registry, self.known, lambda: self._settle(CONTROL))
        self.publisher = Publisher(registry, self.known, switch)
        self.live_node = LiveNode(registry, self._paths.live(switch.host), document)

    # ------------------------------------------------------------------ a broker's life

    async def remember(self) -> None:
        """Serve from the last-known file until the register is read; needs no ZooKeeper."""
        try:
            remembered = await self._file.load()
        except (InvalidDocument, OSError) as error:
            self._oddities.count("unusable_last_known_files")
            self._judge_file(f"it could not be used at the start: {error}")
            return
        if remembered is None:
            return
        for at, _ in enumerate(self.known.remember(remembered, _now()), start=1):
            if at % SLICE == 0:
                self._flush()
                await asyncio.sleep(0)
        self._settle()
        log.info("%d hosts from the last-known file", len(remembered.lives))

    async def run(self) -> None:
        """Load control and packages, join, then keep this host's node right for ever; raises ForeignHost."""
        self._spawn(self._file.keep(self._last_known, self._judge_file))
        await self._prepare()
        self._registry.mirror(self._paths.packages, self._on_package, depth=2)
        self._spawn(self._catching_up.run())
        self._registry.mirror(self._paths.epoch, self._on_epoch, depth=0)
        for part in (PACKAGES, CONTROL):
            await self._read[part].wait()
        # A thousand hosts are 200,000 objects and no rubbish: collecting in between stops requests for 20 to 90 ms.
        gc.disable()
        self._registry.mirror(self._paths.lives, self._on_live)
        self.live_node.added()
        await self.live_node.run()

    def close(self) -> None:
        """Write no more."""
        self.publisher.close()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    async def _prepare(self) -> None:
        """Make what every fleet has. A register that was wiped gets the highest epoch known here, never 0 again."""
        for path in (self._paths.lives, self._paths.packages, self._paths.control):
            await self._ensure(path, b"")
        await self._ensure(self._paths.epoch, encode_epoch(Epoch(self.known.decisions.highest)))

    async def _ensure(self, path: str, data: bytes) -> None:
        while True:
            try:
                await self._registry.create(path, data)
            except NodeExists:
                return
            except RegisterUnavailable:
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _prepare_again(self) -> None:
        try:
            await self._prepare()
        except RegisterError as error:
            log.error("the register can't be made ready: %s", error)  # noqa: TRY400 - the sentence says it all

    def register_state(self, state: RegistryState) -> None:
        """The session with ZooKeeper stands otherwise than before."""
        if state.kind is not StateKind.CONNECTED:
            self.known.presence.disconnected()
            self.known.freshness.lost(state.since_ns)
            gc.enable()
            return
        self._connected_ns = monotonic_ns()
        self.known.presence.connected()
        if state.session_id != self._session:
            if self._session:
                self._spawn(self._prepare_again())
            self._session = state.session_id
            self.live_node.removed()

    def link_changed(self, host: str) -> None:
        """The link to another broker answers, or does not any more."""
        peer = self._links.peers.get(host)
        if peer is not None:
            self.known.link(host, _now(), answers=peer.answers)
            self._settle()

    # ------------------------------------------------------------------ the register's events

    def _on_live(self, event: MirrorEvent) -> None:
        match event:
            case NodeGone(name=name) if name == self._own_host:
                self.live_node.lost()
            case NodeSeen(name=name, data=data, owner=owner) if name == self._own_host:
                self.live_node.seen(owner, data)
            case _:
                pass
        self.known.on_live(event, _now())
        self._settle(LIVE if isinstance(event, Synced) else "")
        if isinstance(event, Synced):
            took_s = (monotonic_ns() - self._connected_ns) / 1e9
            log.info("%d other hosts read, %.3f s after connecting", len(self.known.inventory.hosts), took_s)
            if not gc.isenabled():
                gc.freeze()
                gc.enable()

    def _on_package(self, event: MirrorEvent) -> None:
        self.known.on_package(event, _now())
        if not isinstance(event, NodeSeen):
            self.publisher.restore()
        self._settle(PACKAGES if isinstance(event, Synced) else "")

    def _on_epoch(self, event: MirrorEvent) -> None:
        """The one control node that is watched; what it names is read (`CatchingUp`)."""
        if isinstance(event, NodeGone):
            self._spawn(self._prepare_again())
        self._catching_up.ring()

    def _settle(self, read: str = "") -> None:
        """Something may be other than before; *read*: a part that is whole now."""
        if read:
            self._read[read].set()
        self._file.changed()
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.known.presence.next_wakeup()
        if due is not None:
            in_s = max(0.0, (due - monotonic_ns()) / 1e9)
            self._timer = asyncio.get_running_loop().call_later(in_s, self._tick)

    def _tick(self) -> None:
        self.known.tick(_now())
        self._settle()

    # ------------------------------------------------------------------ the file, the report

    def _last_known(self) -> LastKnown | None:
        return self.known.last_known(unix_s())

    def _judge_file(self, sentence: str) -> None:
        self.known.judge(Kind.FILE, str(self._file.path), sentence, unix_s())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def report(self) -> RegisterReport:
        """How ZooKeeper stands, for the agent."""
        return register_report(self._registry.state, self.known, _now())


def _now() -> Moment:
    return Moment(monotonic_ns(), unix_s())
