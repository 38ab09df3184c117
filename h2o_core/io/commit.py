"""One control change as one ZooKeeper transaction, and what came of it when the connection was lost in the middle."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.audit import day_of, encode_entry, parse_entry
from h2o_core.control.epoch import EPOCH_CHANGES, Change, Epoch, encode_epoch
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
    from collections.abc import Sequence

    from h2o_core.audit import Edit, Entry
    from h2o_core.io.decided import Standing
    from h2o_core.io.registry import Node, Operation, Registry

PATIENCE_S: Final = 15.0
"""After the connection was lost in the middle: so long ZooKeeper may take to be back and tell what came of it."""
_AGAIN_S: Final = 0.25
_MOVED: Final = (VersionConflict, NodeExists, NoNode)


class StaleChange(Exception):
    """What the change was made of is not what is there any more; nothing was written. Look, and decide again."""


class FencedOff(RegisterError):
    """One of the transaction's other operations does not hold: whoever made it may not write (any more)."""


class ChangeUnknown(RegisterUnavailable):
    """ZooKeeper went away in the middle: it may be applied or not; the sentence says where to look."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An entry and the transaction that writes it, the entry last; `others` are the operations of whoever asked."""

    entry: Entry
    operations: list[Operation]
    others: range


def audit_path(entry: Entry) -> str:
    """Where it is kept."""
    return f"audit/{day_of(entry.at_s)}/{entry.epoch}"


async def prepared(registry: Registry, standing: Standing, entry: Entry, also: Sequence[Operation]) -> Attempt:
    """The transaction for the register as it stands."""
    documents = [_operation(edit, standing.nodes.get(edit.path), standing.epoch) for edit in entry.edits]
    for parent in {audit_path(entry).rpartition("/")[0], *(edit.path.rpartition("/")[0] for edit in entry.edits)}:
        await _ensure(registry, parent)
    change = Change(entry.epoch, tuple(edit.path for edit in entry.edits), entry.change_id)
    raised = Epoch(entry.epoch, entry.change_id, (*standing.epoch.changes, change)[-EPOCH_CHANGES:])
    ours = [Set("control/epoch", encode_epoch(raised), standing.epoch_node.version), *documents]
    operations = [*ours, *also, Create(audit_path(entry), encode_entry(entry))]
    return Attempt(entry, operations, range(len(ours), len(ours) + len(also)))


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


async def commit(registry: Registry, attempt: Attempt, sent: list[Entry]) -> bool:
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


async def look(registry: Registry, sent: Sequence[Entry]) -> tuple[Standing, Entry | None]:
    """What stands there, and what came of *sent*; while that is not known, an absence leaves the change unknown."""
    try:
        standing = await read_standing(registry)
        return standing, await _done(registry, sent)
    except RegisterUnavailable:
        if not sent:
            raise
        raise _unknown(sent[-1], "went away again") from None


async def _done(registry: Registry, sent: Sequence[Entry]) -> Entry | None:
    """The one of *sent* that is in the register, if any: its entry says so."""
    for entry in sent:
        node = await registry.get(audit_path(entry))
        if node is not None and parse_entry(audit_path(entry), node.data).change_id == entry.change_id:
            return entry
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
