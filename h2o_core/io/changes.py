"""The one that applies control changes: epoch, documents, audit entry in one ZooKeeper transaction, once or never."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.audit import Entry, day_of, encode_entry, parse_entry
from h2o_core.control import EPOCH_CHANGES, Change, Epoch, encode_epoch, parse_epoch
from h2o_core.io.clock import unix_s
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
    from collections.abc import Sequence

    from h2o_core.audit import Author, Edit
    from h2o_core.io.registry import Node, Operation, Registry

ATTEMPTS: Final = 3
"""Others' changes of other documents may come in between so often."""
PATIENCE_S: Final = 15.0
"""After the connection was lost in the middle: so long ZooKeeper may take to be back and tell what came of it."""
_AGAIN_S: Final = 0.25
_MOVED: Final = (VersionConflict, NodeExists, NoNode)


class StaleChange(Exception):
    """What the change was made of is not what is there any more; nothing was written. Look, and decide again."""


class ChangeUnknown(RegisterUnavailable):
    """ZooKeeper went away in the middle: it may be applied or not; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that is in the register. Brokers apply it from here on."""

    epoch: int
    change_id: str


async def apply(registry: Registry, edits: Sequence[Edit], author: Author) -> Applied:
    """Write all *edits* and raise the epoch by one.

    An edit holds only for the document that it was made of: raises StaleChange when that is another by now. A change
    of others, of other documents, is stepped over. Raises InvalidDocument when the epoch can't be read, TooLarge,
    RegisterRefused and RegisterUnavailable before anything was sent, ChangeUnknown after.
    """
    change_id = secrets.token_hex(8)
    sent: list[Entry] = []
    for _ in range(ATTEMPTS):
        await registry.sync()
        if (done := await _done(registry, sent)) is not None:
            return done
        entry, operations = await _prepared(registry, edits, author, change_id)
        try:
            await registry.transact(operations)
        except TransactionFailed as failure:
            if not isinstance(failure.reason, _MOVED):
                raise failure.reason from None
            if failure.index == len(operations) - 1:
                raise _taken(registry, entry) from None
        except RegisterUnavailable as error:
            if not error.outcome_unknown:
                raise
            sent.append(entry)
            await _until_back(registry, entry)
        else:
            return Applied(entry.epoch, change_id)
    if (done := await _done(registry, sent)) is not None:
        return done
    msg = f"others changed control at the same moment, {ATTEMPTS} times; nothing was written: try again"
    raise StaleChange(msg)


def _audit_path(entry: Entry) -> str:
    return f"audit/{day_of(entry.at_s)}/{entry.epoch}"


async def _prepared(
    registry: Registry, edits: Sequence[Edit], author: Author, change_id: str
) -> tuple[Entry, list[Operation]]:
    """The entry and its transaction, for the register as it stands; the entry's node is the last operation."""
    node = await registry.get("control/epoch")
    if node is None:
        msg = f"there is no fleet {registry.paths.fleet} in this ZooKeeper: none of its brokers has ever been here"
        raise NoNode(msg)
    epoch = parse_epoch(registry.paths.epoch, node.data)
    entry = Entry(epoch.epoch + 1, change_id, unix_s(), author, tuple(edits))
    documents = [_operation(edit, await registry.get(edit.path), epoch) for edit in edits]
    for parent in {_audit_path(entry).rpartition("/")[0], *(edit.path.rpartition("/")[0] for edit in edits)}:
        await _ensure(registry, parent)
    change = Change(entry.epoch, tuple(edit.path for edit in edits), change_id)
    raised = Epoch(entry.epoch, change_id, (*epoch.changes, change)[-EPOCH_CHANGES:])
    operations = [Set("control/epoch", encode_epoch(raised), node.version), *documents]
    return entry, [*operations, Create(_audit_path(entry), encode_entry(entry))]


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


async def _ensure(registry: Registry, path: str) -> None:
    if await registry.get(path) is None:
        with suppress(NodeExists):
            await registry.create(path, b"")


async def _done(registry: Registry, sent: Sequence[Entry]) -> Applied | None:
    """The one of *sent* that is in the register, if any: its entry says so."""
    for entry in sent:
        node = await registry.get(_audit_path(entry))
        if node is not None and parse_entry(_audit_path(entry), node.data).change_id == entry.change_id:
            return Applied(entry.epoch, entry.change_id)
    return None


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
        msg = (
            f"ZooKeeper went away while change {entry.change_id} was written, and has not come back in "
            f"{PATIENCE_S:g} s: whether it is applied, {_audit_path(entry)} says"
        )
        raise ChangeUnknown(msg, outcome_unknown=True) from None


def _taken(registry: Registry, entry: Entry) -> RegisterError:
    return RegisterError(
        f"{_audit_path(entry)} is there already, and the epoch is behind it: control was restored from an older copy; "
        f"raise epoch in {registry.paths.epoch} above all of audit/{day_of(entry.at_s)}"
    )
