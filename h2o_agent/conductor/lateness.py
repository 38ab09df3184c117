"""How far the clock of who wrote a document was behind the register's, so that what it says does not end early.

`until` is a time of the writer's clock. The entry in the journal has the writer's time of that change, and its node
the register's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.audit import parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NoNode

if TYPE_CHECKING:
    from h2o_core.io.registry import Registry
    from h2o_core.plan.situation import Decided


async def behind_s(registry: Registry, decided: Decided, path: str) -> float:
    """By how many seconds, at least 0; also 0 when the change is too old to be found. Raises RegisterError."""
    epoch = decided.last_change(path)
    if epoch is None:
        return 0.0
    try:
        days = await registry.children("audit")
    except NoNode:
        return 0.0
    for day in reversed(days):
        entry_path = f"audit/{day}/{epoch}"
        node = await registry.get(entry_path)
        if node is not None:
            try:
                at_s = parse_entry(entry_path, node.data).at_s
            except InvalidDocument:
                return 0.0
            return max(0.0, node.created_ms / 1000 - at_s)
    return 0.0
