"""The one that applies control changes: epoch, documents, audit entry in one ZooKeeper transaction, once or never."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.audit import Entry
from h2o_core.io import audit
from h2o_core.io.clock import unix_s
from h2o_core.io.commit import ChangeUnknown, FencedOff, StaleChange, commit, look, prepared
from h2o_core.io.decided import read_standing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from h2o_core.audit import Author, Edit
    from h2o_core.control.epoch import Epoch
    from h2o_core.io.registry import Operation, Registry
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided

__all__ = [
    "ATTEMPTS",
    "Applied",
    "ChangeUnknown",
    "FencedOff",
    "Refused",
    "StaleChange",
    "StalePlan",
    "apply",
    "execute",
    "read_decided",
]

ATTEMPTS: Final = 3
"""Others' changes may come in between so often."""
_APART_MS: Final = 60
"""Those that came at the same moment try again at different ones, within so much."""
_MOST_TOLD: Final = 16


class StalePlan(StaleChange):
    """Others have decided something, and the plan does not come out the same any more; nothing was written.

    `before`: what was agreed to. `after`: what it would do now. `entries`: what was decided in between, oldest first.
    """

    def __init__(self, before: Plan, after: Plan, entries: Sequence[Entry]) -> None:
        said = "; ".join(_told(entry) for entry in entries) or "what is measured has changed"
        super().__init__(f"it would not do the same any more; nothing was written. Meanwhile: {said}")
        self.before = before
        self.after = after
        self.entries = tuple(entries)


class Refused(Exception):
    """A guard refuses the plan, and nobody has forced it; nothing was written."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("; ".join(guard.sentence for guard in plan.refused))
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that is in the register. Brokers apply it from here on.

    `change_id` is "" when there was nothing to write: all of it stands there already. `plan` is the one that was
    applied, None for a change that was made without.
    """

    epoch: int
    change_id: str
    plan: Plan | None = None


async def read_decided(registry: Registry) -> Decided:
    """All that is decided, at one epoch. Raises as `h2o_core.io.decided.read_standing`."""
    return (await read_standing(registry)).decided


async def execute(
    registry: Registry,
    make: Callable[[Decided], Plan],
    author: Author,
    *,
    shown: Plan | None = None,
    force: bool = False,
    also: Sequence[Operation] = (),
) -> Applied:
    """Make a plan of what is decided and apply it at that very epoch: two operators' guards exclude each other.

    *make* is asked again, up to 3 times, when others were faster, and the change goes on as long as the plan comes out
    the same as the first one, or as *shown*, which somebody has agreed to; else raises StalePlan, and a plain
    StaleChange when others were faster each time. Raises Refused unless *force*, and what *make* raises.
    *also*: operations of the same transaction, raises FencedOff when one of them does not hold. Otherwise as `apply`.
    """
    change_id = secrets.token_hex(8)
    sent: list[Entry] = []
    agreed = shown
    for attempt in range(ATTEMPTS):
        standing, done = await look(registry, sent)
        if done is not None:
            return Applied(done.epoch, change_id, agreed)
        plan = make(standing.decided)
        if agreed is not None and not agreed.same_as(plan):
            raise StalePlan(agreed, plan, await _entries(registry, agreed.epoch, standing.epoch.epoch))
        if plan.refused and not force:
            raise Refused(plan)
        agreed = plan
        if not plan.edits:
            return Applied(standing.epoch.epoch, "", plan)
        entry = _entry(standing.epoch, change_id, author, plan)
        if await commit(registry, await prepared(registry, standing, entry, also), sent):
            return Applied(entry.epoch, change_id, plan)
        await asyncio.sleep(secrets.randbelow(_APART_MS) * (attempt + 1) / 1000)
    return Applied(await _given_up(registry, sent), change_id, agreed)


async def apply(registry: Registry, edits: Sequence[Edit], author: Author) -> Applied:
    """Write all *edits* and raise the epoch by one, without a plan.

    An edit holds only for the document that it was made of: raises StaleChange when that is another by now. A change
    of others, of other documents, is stepped over. Raises InvalidDocument when the epoch can't be read, TooLarge,
    RegisterRefused and RegisterUnavailable before anything was sent, ChangeUnknown after.
    """
    change_id = secrets.token_hex(8)
    sent: list[Entry] = []
    for _ in range(ATTEMPTS):
        standing, done = await look(registry, sent)
        if done is not None:
            return Applied(done.epoch, change_id)
        entry = Entry(standing.epoch.epoch + 1, change_id, unix_s(), author, tuple(edits))
        if await commit(registry, await prepared(registry, standing, entry, ()), sent):
            return Applied(entry.epoch, change_id)
    return Applied(await _given_up(registry, sent), change_id)


def _entry(epoch: Epoch, change_id: str, author: Author, plan: Plan) -> Entry:
    return Entry(
        epoch.epoch + 1,
        change_id,
        unix_s(),
        author,
        plan.edits,
        sentence=plan.sentence,
        command=plan.command,
        guards=plan.guards,
        until_s=plan.until_s,
        undo_of=plan.undo_of,
    )


async def _given_up(registry: Registry, sent: Sequence[Entry]) -> int:
    """The epoch of one of *sent* that is in after all; else raises StaleChange."""
    _, done = await look(registry, sent)
    if done is not None:
        return done.epoch
    msg = f"others changed control at the same moment, {ATTEMPTS} times; nothing was written: try again"
    raise StaleChange(msg)


async def _entries(registry: Registry, after: int, until: int) -> list[Entry]:
    """The entries of the epochs above *after* up to *until*, the last 16 of them; what can't be had is left out."""
    of_days = await audit.days(registry)
    epochs = range(max(after + 1, until + 1 - _MOST_TOLD), until + 1)
    found = [await audit.entry_of(registry, of_days, epoch) for epoch in epochs]
    return [entry for entry in found if entry is not None]


def _told(entry: Entry) -> str:
    what = entry.sentence or ", ".join(edit.path for edit in entry.edits)
    reason = f" ({entry.author.reason})" if entry.author.reason else ""
    return f"change {entry.epoch}, {entry.author.actor}: {what}{reason}"
