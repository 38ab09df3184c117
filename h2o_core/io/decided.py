"""Reads all that is decided, as it stood at one epoch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.control.epoch import parse_epoch
from h2o_core.io.registry import NoNode, RegisterError
from h2o_core.plan.situation import Decided, decided_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.control.epoch import Epoch
    from h2o_core.io.registry import Node, Registry

_EPOCH: Final = "control/epoch"
_ATTEMPTS: Final = 8
"""Each of them reads everything; who changes control so often in a row is no operator."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the register. `nodes`: path below the fleet's root → its node, of all control documents."""

    decided: Decided
    epoch: Epoch
    epoch_node: Node
    nodes: Mapping[str, Node]


async def read_standing(registry: Registry) -> Standing:
    """Everything below `control`, of one epoch: what was written in between is read again.

    Raises NoNode when there is no fleet, InvalidDocument when its epoch can't be read, RegisterUnavailable,
    RegisterRefused, and RegisterError when control never stands still.
    """
    await registry.sync()
    before = await epoch_node(registry)
    for _ in range(_ATTEMPTS):
        nodes = await _documents(registry)
        after = await epoch_node(registry)
        if after.mzxid == before.mzxid:
            epoch = parse_epoch(registry.paths.epoch, before.data)
            documents = {path: node.data for path, node in nodes.items()}
            return Standing(decided_of(epoch.epoch, documents, epoch.changes), epoch, before, nodes)
        before = after
    msg = f"control was changed {_ATTEMPTS} times while it was read; nothing was written: try again"
    raise RegisterError(msg)


async def epoch_node(registry: Registry) -> Node:
    """The node of `control/epoch`; raises NoNode when there is no such fleet."""
    node = await registry.get(_EPOCH)
    if node is None:
        msg = f"there is no fleet {registry.paths.fleet} in this ZooKeeper: none of its brokers has ever been here"
        raise NoNode(msg)
    return node


async def _documents(registry: Registry) -> dict[str, Node]:
    """Documents stand right below `control`, or one level deeper, where the level above is an empty node."""
    above = [path for path in await _below(registry, "control") if path != _EPOCH]
    deeper = await asyncio.gather(*(_below(registry, path) for path in above))
    paths = [*above, *(path for found in deeper for path in found)]
    nodes = await asyncio.gather(*(registry.get(path) for path in paths))
    return {path: node for path, node in zip(paths, nodes, strict=True) if node is not None and node.data}


async def _below(registry: Registry, path: str) -> list[str]:
    try:
        return [f"{path}/{name}" for name in await registry.children(path)]
    except NoNode:
        return []
