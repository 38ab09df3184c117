"""The register for who has no way to ZooKeeper: read, control changed and notes made, with the agent's own session."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from h2o_core.io.clock import unix_s
from h2o_core.io.noting import write_note
from h2o_core.io.registry import NodeExists, NoNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_agent.control_change import Change
    from h2o_core.insights.notes import Note
    from h2o_core.io.registry import Node, Registry

log = logging.getLogger(__name__)


class Registrar:
    """All of it raises RegisterError."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    @property
    def fleet(self) -> str:
        """Whose register it is."""
        return self._registry.paths.fleet

    def now_s(self) -> float:
        """This host's Unix time."""
        return unix_s()

    async def read(
        self, nodes: Sequence[str], children: Sequence[str], *, sync: bool
    ) -> tuple[list[Node | None], list[list[str] | None]]:
        """*nodes*, and the names below *children*, paths below the fleet's root; None: there is no such node.

        *sync*: all that was committed before is seen.
        """
        if sync:
            await self._registry.sync()
        found = await asyncio.gather(*map(self._registry.get, nodes))
        return found, await asyncio.gather(*map(self._below, children))

    async def change(self, change: Change) -> None:
        """Write it, all or nothing; raises TransactionFailed."""
        for parent in change.parents:
            if await self._registry.get(parent) is None:
                with suppress(NodeExists):
                    await self._registry.create(parent, b"")
        await self._registry.transact(change.operations)
        author = change.entry.author
        log.info("change %d by %s (%s)", change.entry.epoch, author.actor, "verified" if author.verified else "claimed")

    async def note(self, note: Note, *, anew: bool = False) -> None:
        """Have what somebody says of a finding stand; *anew*: in place of notes that can't be read.

        Raises InvalidDocument.
        """
        await write_note(self._registry, note, self.now_s(), anew=anew)
        log.info("%s of %s by %s", note.says if note.until_s else f"no longer {note.says}", note.key.id, note.owner)

    async def _below(self, path: str) -> list[str] | None:
        try:
            return await self._registry.children(path)
        except NoNode:
            return None
