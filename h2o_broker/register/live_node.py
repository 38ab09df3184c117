"""The host's one ephemeral node: claimed once, removals written at once, additions at most once a second."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import (
    Create,
    Delete,
    NodeExists,
    NoNode,
    RegisterError,
    RegisterUnavailable,
    TransactionFailed,
    VersionConflict,
)
from h2o_core.znodes.live import encode_live, parse_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.io.registry import Node, Registry
    from h2o_core.znodes.live import LiveHost

log = logging.getLogger(__name__)

ADDITIONS_EVERY_S: Final = 1.0
RETRY_S: Final = 0.5
REFUSED_RETRY_S: Final = 5.0
"""After ZooKeeper refused the write, or the document outgrew its cap: it may fit again with fewer instances."""
RETURN_WAIT_S: Final = 0.5


class ForeignHost(Exception):
    """Another machine holds this host's name."""


class LiveNode:
    """Keeps `live/<host>` equal to *document()*; every write goes through one task."""

    def __init__(self, registry: Registry, path: str, document: Callable[[], LiveHost]) -> None:
        self._registry = registry
        self._path = path
        self._document = document
        self._session = 0
        """The one that the node is known to be in; 0: look before writing."""
        self._claimed = 0
        """The last one that it was ours in."""
        self._version = 0
        self._wake = asyncio.Event()
        self._last_write_s = 0.0
        self._written = self._writing = b""

    def removed(self) -> None:
        """An instance is gone: write at once."""
        self._last_write_s = 0.0
        self._wake.set()

    def added(self) -> None:
        """An instance has come: write within a second."""
        self._wake.set()

    def lost(self) -> None:
        """Somebody has removed the node: make it again at once."""
        self._session = 0
        self.removed()

    def seen(self, owner: int, data: bytes) -> None:
        """The node as a mirror shows it, perhaps as it was before our last write."""
        if owner != self._registry.state.session_id or data not in {self._written, self._writing}:
            self._session = 0
            self.added()

    async def run(self) -> None:
        """Write whenever something changed, for ever; raises ForeignHost."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            wait_s = self._last_write_s + ADDITIONS_EVERY_S - loop.time()
            if wait_s > 0:
                await self._sleep_until_removal(wait_s)
            self._wake.clear()
            self._last_write_s = loop.time()
            try:
                await self._write()
            except RegisterUnavailable:
                self._wake.set()
                await asyncio.sleep(RETRY_S)
            except (RegisterError, InvalidDocument) as error:
                log.error("%s keeps its last document: %s", self._path, error)  # noqa: TRY400 - the sentence says it all
                self._wake.set()
                await asyncio.sleep(REFUSED_RETRY_S)

    async def _sleep_until_removal(self, wait_s: float) -> None:
        """Additions wait for company; a removal that comes meanwhile ends the wait."""
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while self._last_write_s and (left := until - loop.time()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def _write(self) -> None:
        session = self._registry.state.session_id
        if session != self._session:
            await self._claim()
            self._session = session
            return
        data = encode_live(self._document())
        if data == self._written:
            return
        self._writing = data
        try:
            self._version = await self._registry.set(self._path, data, version=self._version)
        except (NoNode, VersionConflict):
            self._session = 0
            self._wake.set()
            return
        self._written = data

    async def _claim(self) -> None:
        """Have the node in this session, replacing what an earlier one of this machine left; raises ForeignHost."""
        session = self._registry.state.session_id
        left = await self._registry.get(self._path)
        if left is not None and left.owner == session:
            data, self._version = left.data, left.version
            self._wake.set()
        else:
            data = await self._replace(left, session)
            self._version = 0
        self._claimed = session
        self._written = data

    async def _replace(self, left: Node | None, session: int) -> bytes:
        """Make the node; *left* is another session's. The bytes that were written."""
        if left is not None:
            await self._wait_for_known(self._inherited(left, session))
        data = self._writing = encode_live(self._document())
        create = Create(self._path, data, ephemeral=True)
        try:
            if left is None:
                await self._registry.create(self._path, data, ephemeral=True)
            else:
                await self._registry.transact([Delete(self._path, version=left.version), create])
        except (NodeExists, TransactionFailed, NoNode):
            self._wake.set()
            msg = f"{self._path} changed while it was claimed"
            raise RegisterUnavailable(msg) from None
        return data

    def _inherited(self, left: Node, session: int) -> int:
        """How many instances the machine's earlier broker had; raises ForeignHost for somebody else's node."""
        mine = self._document()
        try:
            old = parse_live(self._path, left.data)
        except InvalidDocument as error:
            log.warning("replacing what stands at %s: %s", self._path, error)
            return 0
        if old.machine != mine.machine:
            msg = (
                f"another machine ({old.machine}, broker at {old.address}) is registered as {mine.host}; this one is "
                f"{mine.machine}, broker at {mine.address}; give one of them another name, or wait until that "
                f"one's session ends"
            )
            raise ForeignHost(msg)
        if self._claimed == session and old.incarnation != mine.incarnation:
            msg = (
                f"another broker (at {old.address}, incarnation {old.incarnation:016x}) has taken {mine.host} from "
                f"this one (at {mine.address}, incarnation {mine.incarnation:016x}) with the same machine id "
                f"{mine.machine}; was a state directory copied? Remove machine-id from one, and give it another name"
            )
            raise ForeignHost(msg)
        return 0 if old.incarnation == mine.incarnation else len(old.instances)

    async def _wait_for_known(self, count: int) -> None:
        """A broker that restarts gives its instances half a second to come back before it says who is here."""
        loop = asyncio.get_running_loop()
        until = loop.time() + RETURN_WAIT_S
        while len(self._document().instances) < count and (left := until - loop.time()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return
