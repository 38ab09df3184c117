"""What is decided, for `h2o triage`: control documents and the last changes, from the register."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_console.asking.register import NoRegister, in_register
from h2o_core.audit import parse_entry
from h2o_core.documents import InvalidDocument
from h2o_core.insights import reports
from h2o_core.insights.picture import Control
from h2o_core.io.changes import read_decided
from h2o_core.io.registry import NoNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.context import Context
    from h2o_core.insights.picture import Changed
    from h2o_core.io.registry import Registry
    from h2o_core.plan.situation import Decided

_LAST: Final = 8
"""Changes whose entries are read: what was changed a quarter of an hour ago is seldom further back."""
_DAYS: Final = 2


def read_control(context: Context, timeout_s: float) -> Control | str:
    """All that is decided, or why that can't be read."""
    try:
        return in_register(context, timeout_s, _control)
    except NoRegister as error:
        return error.sentence
    except (NoNode, InvalidDocument) as error:
        return str(error)


async def _control(registry: Registry) -> Control:
    decided = await read_decided(registry)
    return Control(
        epoch=decided.epoch,
        traffic=decided.traffic,
        hosts=decided.hosts,
        tiers=decided.settings.tiers.value,
        changes=tuple(await _changes(registry, decided)),
    )


async def _changes(registry: Registry, decided: Decided) -> list[Changed]:
    epochs = [change.epoch for change in decided.changes[-_LAST:]]
    days: Sequence[str] = ()
    with suppress(NoNode):
        days = sorted(await registry.children("audit"))[-_DAYS:]
    found = [await _change(registry, days, epoch) for epoch in epochs]
    return [change for change in found if change is not None]


async def _change(registry: Registry, days: Sequence[str], epoch: int) -> Changed | None:
    for day in reversed(days):
        path = f"audit/{day}/{epoch}"
        node = await registry.get(path)
        if node is not None:
            with suppress(InvalidDocument):
                return reports.changed(parse_entry(path, node.data))
    return None
