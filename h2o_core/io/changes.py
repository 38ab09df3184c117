"""The one that applies control changes: epoch, documents, audit entry in one ZooKeeper transaction, once or never."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_core.audit import Entry, day_of, encode_entry, parse_entry
from h2o_core.control import EPOCH_CHANGES, Change, Epoch, encode_epoch
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import unix_s
from h2o_core.io.decided import read_standing
from h2o_core.io.registry import (
    Create,
    Delete,
    NodeExists,
    NoNode,
    RegisterError,
    RegisterUnavailable,
    Set,
    TransactionFailed,
    VersionConflict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from h2o_core.audit import Author, Edit
    from h2o_core.io.decided import Standing
    from h2o_core.io.registry import Node, Operation, Registry
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided

ATTEMPTS: Final = 3
"""Others' changes may come in between so often."""
PATIENCE_S: Final = 15.0
"""After the connection was lost in the middle: so long ZooKeeper may take to be back and tell what came of it."""
_AGAIN_S: Final = 0.25
_APART_MS: Final = 60
"""Those that came at the same moment try again at different ones, within so much."""
_MOVED: Final = (VersionConflict, NodeExists, NoNode)
_MOST_TOLD: Final = 16


class StaleChange(Exception):
    """What the change was made of is not what is there any more; nothing was written. Look, and decide again."""


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


class FencedOff(RegisterError):
    """One of the transaction's other operations does not hold: whoever made it may not write (any more)."""


class ChangeUnknown(RegisterUnavailable):
    """ZooKeeper went away in the middle: it may be applied or not; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that is in the register. Brokers apply it from here on.

    `change_id` is "" when there was nothing to write: all of it stands there already. `plan` is the one that was
    applied, None for a change that was made without.
    """

    epoch: int
    change_id: str
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class _Attempt:
    """An entry and the transaction that writes it; its last operation makes the entry, `others` from there are ours."""

    entry: Entry
    operations: list[Operation]
    others: range


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
        standing, done = await _look(registry, sent)
        if done is not None:
            return replace(done, plan=agreed)
        plan = make(standing.decided)
        if agreed is not None and not agreed.same_as(plan):
            raise StalePlan(agreed, plan, await _entries(registry, agreed.epoch, standing.epoch.epoch))
        if plan.refused and not force:
            raise Refused(plan)
        agreed = plan
        if not plan.edits:
            return Applied(standing.epoch.epoch, "", plan)
        entry = _entry(standing.epoch, change_id, author, plan)
        if await _commit(registry, await _prepared(registry, standing, entry, also), sent):
            return Applied(entry.epoch, change_id, plan)
        await asyncio.sleep(secrets.randbelow(_APART_MS) * (attempt + 1) / 1000)
    return replace(await _given_up(registry, sent), plan=agreed)


async def apply(registry: Registry, edits: Sequence[Edit], author: Author) -> Applied:
    """Write all *edits* and raise the epoch by one, without a plan.

    An edit holds only for the document that it was made of: raises StaleChange when that is another by now. A change
    of others, of other documents, is stepped over. Raises InvalidDocument when the epoch can't be read, TooLarge,
    RegisterRefused and RegisterUnavailable before anything was sent, ChangeUnknown after.
    """
    change_id = secrets.token_hex(8)
    sent: list[Entry] = []
    for _ in range(ATTEMPTS):
        standing, done = await _look(registry, sent)
        if done is not None:
            return done
        entry = Entry(standing.epoch.epoch + 1, change_id, unix_s(), author, tuple(edits))
        if await _commit(registry, await _prepared(registry, standing, entry, ()), sent):
            return Applied(entry.epoch, change_id)
    return await _given_up(registry, sent)


def audit_path(entry: Entry) -> str:
    """Where it is kept."""
    return f"audit/{day_of(entry.at_s)}/{entry.epoch}"


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


async def _prepared(registry: Registry, standing: Standing, entry: Entry, also: Sequence[Operation]) -> _Attempt:
    """The transaction for the register as it stands."""
    documents = [_operation(edit, standing.nodes.get(edit.path), standing.epoch) for edit in entry.edits]
    for parent in {audit_path(entry).rpartition("/")[0], *(edit.path.rpartition("/")[0] for edit in entry.edits)}:
        await _ensure(registry, parent)
    change = Change(entry.epoch, tuple(edit.path for edit in entry.edits), entry.change_id)
    raised = Epoch(entry.epoch, entry.change_id, (*standing.epoch.changes, change)[-EPOCH_CHANGES:])
    ours = [Set("control/epoch", encode_epoch(raised), standing.epoch_node.version), *documents]
    operations = [*ours, *also, Create(audit_path(entry), encode_entry(entry))]
    return _Attempt(entry, operations, range(len(ours), len(ours) + len(also)))


def _operation(edit: Edit, node: Node | None, epoch: Epoch) -> Operation:
    """What *edit* does to *node*; raises StaleChange when that is not what it was made of."""
    if (None if node is None else node.data) != edit.before:
        by = [change.epoch for change in epoch.changes if edit.path in change.paths]
        who = f"by change {by[-1]}" if by else "past the epoch"
        msg = f"{edit.path} was changed {who} meanwhile; nothing was written: look at it, and decide again"
        raise StaleChange(msg)
    if node is None:
        return Create(edit.path, edit.after or b"")
    return Delete(edit.path, node.version) if edit.after is None else Set(edit.path, edit.after, node.version)


async def _commit(registry: Registry, attempt: _Attempt, sent: list[Entry]) -> bool:
    """True: it is in. False: it is not, or that is not known; then it is in *sent*, and the register is back."""
    try:
        await registry.transact(attempt.operations)
    except TransactionFailed as failure:
        if failure.index in attempt.others:
            msg = f"{attempt.operations[failure.index].path} is not what it has to be; nothing was written"
            raise FencedOff(msg) from failure
        if not isinstance(failure.reason, _MOVED):
            raise failure.reason from None
        if failure.index == len(attempt.operations) - 1:
            raise _taken(registry, attempt.entry) from None
        return False
    except RegisterUnavailable as error:
        if not error.outcome_unknown:
            raise
        sent.append(attempt.entry)
        await _until_back(registry, attempt.entry)
        return False
    return True


async def _ensure(registry: Registry, path: str) -> None:
    if await registry.get(path) is None:
        with suppress(NodeExists):
            await registry.create(path, b"")


async def _look(registry: Registry, sent: Sequence[Entry]) -> tuple[Standing, Applied | None]:
    """What stands there, and what came of *sent*; while that is not known, an absence leaves the change unknown."""
    try:
        standing = await read_standing(registry)
        return standing, await _done(registry, sent)
    except RegisterUnavailable:
        if not sent:
            raise
        raise _unknown(sent[-1], "went away again") from None


async def _done(registry: Registry, sent: Sequence[Entry]) -> Applied | None:
    """The one of *sent* that is in the register, if any: its entry says so."""
    for entry in sent:
        node = await registry.get(audit_path(entry))
        if node is not None and parse_entry(audit_path(entry), node.data).change_id == entry.change_id:
            return Applied(entry.epoch, entry.change_id)
    return None


async def _given_up(registry: Registry, sent: Sequence[Entry]) -> Applied:
    """After the last attempt: one whose outcome is not known may be in; else raises StaleChange."""
    _, done = await _look(registry, sent)
    if done is not None:
        return done
    msg = f"others changed control at the same moment, {ATTEMPTS} times; nothing was written: try again"
    raise StaleChange(msg)


async def _entries(registry: Registry, after: int, until: int) -> list[Entry]:
    """The entries of the epochs above *after* up to *until*, the last 16 of them; what can't be had is left out."""
    with suppress(NoNode):
        days = await registry.children("audit")
        epochs = range(max(after + 1, until + 1 - _MOST_TOLD), until + 1)
        found = [await _entry_of(registry, days, epoch) for epoch in epochs]
        return [entry for entry in found if entry is not None]
    return []


async def _entry_of(registry: Registry, days: Sequence[str], epoch: int) -> Entry | None:
    for day in reversed(days):
        path = f"audit/{day}/{epoch}"
        node = await registry.get(path)
        if node is not None:
            with suppress(InvalidDocument):
                return parse_entry(path, node.data)
            return None
    return None


def _told(entry: Entry) -> str:
    what = entry.sentence or ", ".join(edit.path for edit in entry.edits)
    reason = f" ({entry.author.reason})" if entry.author.reason else ""
    return f"change {entry.epoch}, {entry.author.actor}: {what}{reason}"


async def _until_back(registry: Registry, entry: Entry) -> None:
    """The connection was lost in the middle: wait until the register answers again, and has all that it was sent."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await registry.sync()
                except RegisterUnavailable:
                    await asyncio.sleep(_AGAIN_S)
                else:
                    return
    except TimeoutError:
        raise _unknown(entry, f"has not come back in {PATIENCE_S:g} s") from None


def _unknown(entry: Entry, how: str) -> ChangeUnknown:
    msg = (
        f"ZooKeeper went away while change {entry.change_id} was written, and {how}: whether it is applied, "
        f"{audit_path(entry)} says"
    )
    return ChangeUnknown(msg, outcome_unknown=True)


def _taken(registry: Registry, entry: Entry) -> RegisterError:
    return RegisterError(
        f"{audit_path(entry)} is there already, and the epoch is behind it: control was restored from an older copy; "
        f"raise epoch in {registry.paths.epoch} above all of audit/{day_of(entry.at_s)}"
    )
