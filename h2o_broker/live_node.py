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
)
from h2o_core.znodes import encode_live, parse_live

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.io.registry import Registry
    from h2o_core.znodes import LiveHost

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
        self._wake = asyncio.Event()
        self._last_write_s = 0.0
        self._written = b""

    def removed(self) -> None:
        """An instance is gone: write at once."""
        self._last_write_s = 0.0
        self._wake.set()

    def added(self) -> None:
        """An instance has come: write within a second."""
        self._wake.set()

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
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return

    async def _write(self) -> None:
        session = self._registry.state.session_id
        data = encode_live(self._document())
        if session == self._session:
            if data == self._written:
                return
            try:
                await self._registry.set(self._path, data)
            except NoNode:
                self._session = 0
                self._wake.set()
                return
        else:
            await self._claim()
            data = self._written
        self._session = session
        self._written = data

    async def _claim(self) -> None:
        """Create the node in this session, replacing what an earlier one of this machine left."""
        left = await self._registry.get(self._path)
        if left is not None and left.owner != self._registry.state.session_id:
            await self._wait_for_known(self._inherited(left.data))
        data = encode_live(self._document())
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
        self._written = data

    def _inherited(self, data: bytes) -> int:
        """How many instances the machine's earlier broker had; raises ForeignHost for another machine's."""
        mine = self._document()
        try:
            old = parse_live(self._path, data)
        except InvalidDocument as error:
            log.warning("replacing what stands at %s: %s", self._path, error)
            return 0
        if old.machine != mine.machine:
            msg = (
                f"another machine ({old.machine}, broker at {old.address}) is registered as {mine.host}; "
                f"give one of them another name, or wait until that one's session ends"
            )
            raise ForeignHost(msg)
        return len(old.instances)

    async def _wait_for_known(self, count: int) -> None:
        """A broker that restarts gives its instances half a second to come back before it says who is here."""
        loop = asyncio.get_running_loop()
        until = loop.time() + RETURN_WAIT_S
        while len(self._document().instances) < count and (left := until - loop.time()) > 0:
            self._wake.clear()
            try:
                await asyncio.wait_for(self._wake.wait(), left)
            except TimeoutError:
                return
