"""What is decided, what was changed lately, and notes: kept from the first question on, and read when it has moved.

Nobody is answered from ZooKeeper itself: watches say that the epoch or the notes are other than before, and then they
are read once, for everybody. An agent that nobody asks reads nothing.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from h2o_agent.views.control import MOST_ENTRIES, MOST_ENTRY_BYTES, Kept, Known, kept, newest
from h2o_core.documents import InvalidDocument
from h2o_core.io import audit
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.decided import read_standing
from h2o_core.io.registry import NodeSeen, NoNode, RegisterError, StateKind, Synced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.io.registry import MirrorEvent, Registry, RegistryState

log = logging.getLogger(__name__)

FIRST_S: Final = 3.0
"""So long after the first question whoever asks waits for it to be read; later they are told why it is not."""
_RETRY_S: Final = 1.0
_STILL_WRITTEN: Final = 4
"""Of the newest days: writers' clocks differ, so an entry may come to one before the last, or one that is yet to be."""


class ControlKept:
    """`run` for as long as the agent does; `known` is what is answered."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._asked = asyncio.Event()
        self._asked_ns = 0
        self._wake = asyncio.Event()
        self._first = asyncio.Event()
        self._known: Known | None = None
        self._epoch_moved = True
        self._notes = b""
        self._unread = {registry.paths.epoch, registry.paths.notes}
        self._unsure_ns: int | None = None
        self._entries: Mapping[str, Kept] = {}
        self._more = False
        self.problem = "ZooKeeper has not answered yet"
        """Why it is not known, or not as of now; empty while it is."""

    async def known(self) -> Known | None:
        """None: it could not be read until now, see `problem`."""
        self._asked_ns = self._asked_ns or monotonic_ns()
        self._asked.set()
        if self._known is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_S - (monotonic_ns() - self._asked_ns) / 1e9):
                    await self._first.wait()
        return self._known and replace(self._known, age_s=self._age_s())

    def _age_s(self) -> float:
        """How old what is known may be: 0 while ZooKeeper tells of each change."""
        return 0.0 if self._unsure_ns is None else (monotonic_ns() - self._unsure_ns) / 1e9

    async def run(self) -> None:
        """From the first question on until cancelled."""
        await self._asked.wait()
        self._registry.listen(self._on_state)
        for path in list(self._unread):
            self._registry.mirror(path, partial(self._on_event, path), depth=0)
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._unread and not await self._read():
                await asyncio.sleep(_RETRY_S)
                self._wake.set()

    def _on_state(self, state: RegistryState) -> None:
        if state.kind is not StateKind.CONNECTED:
            self._doubt()
            self._unread = {self._registry.paths.epoch, self._registry.paths.notes}
            self.problem = state.error or "ZooKeeper does not answer"

    def _on_event(self, path: str, event: MirrorEvent) -> None:
        if isinstance(event, Synced):
            self._unread.discard(path)
        else:
            self._doubt()
            if path == self._registry.paths.notes:
                self._notes = event.data if isinstance(event, NodeSeen) else b""
            else:
                self._epoch_moved = True
        self._wake.set()

    def _doubt(self) -> None:
        """From now on, if not before, something may be other than what is known."""
        if self._unsure_ns is None:
            self._unsure_ns = monotonic_ns()

    async def _read(self) -> bool:
        """What has moved; False: try again soon."""
        try:
            if self._epoch_moved or self._known is None:
                self._epoch_moved = False
                self._known = await self._decided()
        except (RegisterError, InvalidDocument) as error:
            self._epoch_moved = True
            if str(error) != self.problem:
                log.warning("what is decided can't be read: %s", error)
            self.problem = str(error)
            # what is damaged or missing is written again, and a connection comes back: both wake us
            return isinstance(error, NoNode | InvalidDocument) or self._registry.state.kind is not StateKind.CONNECTED
        self._known = replace(self._known, notes=self._notes)
        if not self._wake.is_set() and not self._unread:
            self._unsure_ns = None
            self.problem = ""
        self._first.set()
        return True

    async def _decided(self) -> Known:
        """All documents, and the entries that have come to the audit."""
        standing = await read_standing(self._registry)
        decided = standing.decided
        if self._known is not None and decided.epoch < self._known.epoch:  # another register, which counts from anew
            self._entries = dict[str, Kept]()
            self._more = False
        await self._read_entries()
        return Known(
            epoch=decided.epoch,
            documents=decided.documents,
            unreadable=tuple(f"{path}: {why}" for path, why in decided.unreadable.items()),
            entries=tuple(self._entries.values()),
            more=self._more,
        )

    async def _read_entries(self) -> None:
        """Those that are not known yet: at first as many as are kept, then what was added."""
        of_days = await audit.days(self._registry)
        wanted = of_days[:_STILL_WRITTEN] if self._entries else of_days
        found: dict[str, Kept] = {}
        size = 0
        async for path, data in audit.newest_first(self._registry, wanted, self._entries):
            found[path] = kept(path, data)
            size += len(data)
            if size > MOST_ENTRY_BYTES or len(found) > MOST_ENTRIES:
                break
        self._entries, cut = newest({**found, **self._entries})
        self._more = self._more or cut
