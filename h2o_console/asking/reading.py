"""What reads the register, and has nothing that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from h2o_core.io.registry import Registry
    from h2o_core.register import Node


class Reading:
    """As much of `h2o_core.io.registry.Registry` as plans are made of."""

    def __init__(self, registry: Registry) -> None:
        self.paths = registry.paths
        self.sync = registry.sync
        self._get = registry.get
        self._children = registry.children

    async def get(self, path: str) -> Node | None:
        """A node, or None."""
        return await self._get(path)

    async def children(self, path: str) -> list[str]:
        """The names below a node, sorted; raises NoNode."""
        return await self._children(path)
