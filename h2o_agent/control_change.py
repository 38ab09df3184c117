"""A control change that somebody wants written: nothing but control documents, explained by its audit entry. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_core.audit import day_of, encode_entry, parse_entry
from h2o_core.control.epoch import parse_epoch
from h2o_core.documents import InvalidDocument
from h2o_core.plan.situation import HOSTS, SETTINGS, TRAFFICS, decided_of
from h2o_core.register import Create, Delete, Set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.audit import Entry
    from h2o_core.register import Operation

_EPOCH: Final = "control/epoch"
MOST_SKEW_S: Final = 300.0


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written in one transaction: `entry` is made by the last of the `operations`."""

    operations: tuple[Operation, ...]
    entry: Entry

    @property
    def parents(self) -> set[str]:
        """Nodes that have to be there."""
        return {one.path.rpartition("/")[0] for one in self.operations if isinstance(one, Create)} - {"control"}


def checked(operations: Sequence[Operation], known_as: str, now_s: float) -> Change:
    """The change, with its author as this host knows it (*known_as* "": as it is claimed); raises InvalidDocument.

    *now_s*: this host's Unix time. That an edit's bytes from before are those that stand there, nobody checks here:
    the versions of the operations do.
    """
    first, *documents, last = operations if len(operations) > 2 else (None, None)
    if not isinstance(first, Set) or not isinstance(last, Create):
        raise InvalidDocument(_EPOCH, "a change sets the epoch, writes documents, and makes its audit entry")
    if first.path != _EPOCH or first.version < 0:
        raise InvalidDocument(first.path, "a change begins by setting control/epoch, at the version that was read")
    epoch = parse_epoch(_EPOCH, first.data)
    entry = parse_entry(last.path, last.data)
    if (entry.epoch, entry.change_id) != (epoch.epoch, epoch.change_id):
        raise InvalidDocument(last.path, "the entry is of another change than the epoch")
    if last.path != f"audit/{day_of(entry.at_s)}/{entry.epoch}":
        raise InvalidDocument(last.path, "the entry does not stand where its day and epoch are")
    if abs(entry.at_s - now_s) > MOST_SKEW_S:
        ahead = f"its time is {entry.at_s - now_s:+.0f} s from this host's"
        raise InvalidDocument(last.path, f"{ahead}; set the clock of the machine that it comes from")
    _check_documents(documents, entry)
    author = replace(entry.author, verified=False)
    if known_as:
        also = f", as {author.actor}" if author.actor != known_as else ""
        author = replace(author, actor=known_as, origin=f"{author.origin}{also}", verified=True)
    known = replace(entry, author=author)
    return Change((first, *documents, Create(last.path, encode_entry(known))), known)


def _check_documents(documents: Sequence[Operation], entry: Entry) -> None:
    """They are control documents that can be read, and just those of the entry."""
    after: dict[str, bytes | None] = {}
    for one in documents:
        if one.path != SETTINGS and not one.path.startswith((TRAFFICS, HOSTS)):
            raise InvalidDocument(one.path, "that is no control document")
        match one:
            case Set() | Create():
                after[one.path] = one.data
            case Delete():
                after[one.path] = None
            case _:
                raise InvalidDocument(one.path, "a change writes documents, and checks nothing else")
        if (isinstance(one, Set | Delete) and one.version < 0) or (isinstance(one, Create) and one.ephemeral):
            raise InvalidDocument(one.path, "a document is written at the version that was read, and stays")
    written = decided_of(entry.epoch, {path: data for path, data in after.items() if data is not None})
    for path, why in written.unreadable.items():
        raise InvalidDocument(path, why)
    if len(after) != len(documents) or after != {edit.path: edit.after for edit in entry.edits}:
        raise InvalidDocument(_EPOCH, "the audit entry does not say just what is written")
