"""Control as an operator writes it, and as nobody should: any bytes, with the epoch that names them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from h2o_core.control.epoch import Change, Epoch, encode_epoch, parse_epoch
from h2o_core.io.registry import Create, Delete, Set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.io.registry import Operation, Registry


async def decide(registry: Registry, documents: Mapping[str, bytes | None]) -> int:
    """Write the *documents* (path below the fleet's root → bytes, None: none) and raise the epoch; that."""
    node = await registry.get("control/epoch")
    assert node is not None
    epoch = parse_epoch("control/epoch", node.data)
    operations: list[Operation] = []
    for path, data in documents.items():
        parent = path.rpartition("/")[0]
        if await registry.get(parent) is None:
            await registry.create(parent, b"")
        there = await registry.get(path)
        if data is None:
            operations += [] if there is None else [Delete(path)]
        else:
            operations.append(Create(path, data) if there is None else Set(path, data))
    change = Change(epoch.epoch + 1, tuple(documents), secrets.token_hex(8))
    raised = Epoch(change.epoch, change.change_id, (*epoch.changes, change))
    await registry.transact([Set("control/epoch", encode_epoch(raised), node.version), *operations])
    return change.epoch
