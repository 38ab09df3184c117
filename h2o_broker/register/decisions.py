"""What operators have decided, as far as this broker has read it: what to read next, and what is in force. Pure.

One reading takes the epoch's node, then the documents that `wanted` names, then the epoch's node once more: had it been
written in between, the documents could be of two changes, and the reading starts again. So what is applied together
is what stood in the register together.

A document that can't be used changes nothing: the last good one stays in force, and the epoch is applied *but for* it
(`unapplied`); one bad document must not keep the fleet from ever confirming a change again (decision 0019).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from h2o_broker.register.last_known import Document
from h2o_core.control.epoch import EPOCH_CHANGES, parse_epoch
from h2o_core.control.hosts import HostControl, parse_host_control
from h2o_core.control.settings import FleetSettings, parse_settings
from h2o_core.control.traffic import Traffic, parse_traffic
from h2o_core.documents import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_broker.register.last_known import LastKnown
    from h2o_core.control.epoch import Epoch
    from h2o_core.register import Node
    from h2o_core.znodes.paths import Paths

Decided: TypeAlias = FleetSettings | Traffic | HostControl


class Stamp(NamedTuple):
    """Which writing of the epoch's node: the time that it was made (of the register's life, ms), and its last write."""

    life: int
    mzxid: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be read now. `everything`: all documents that there are, instead of `paths`.

    `epoch` is None while the register's can't be read. `forked`: the register has lost changes that are applied here,
    or may have. `paths` are then those that its changes name all the same.
    """

    stamp: Stamp
    epoch: Epoch | None
    paths: frozenset[str] = frozenset()
    everything: bool = False
    forked: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A node that is there and can't be had; *why* is a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """From now on this is in force at *path*; None: nothing any more."""

    path: str
    value: Decided | None


Found: TypeAlias = "Mapping[str, bytes | Unreadable | None]"
"""Path → what was read there; None: nothing is there."""


class Decisions:
    """In force are the last good documents, of the register or of the last-known file."""

    def __init__(self, paths: Paths) -> None:
        self.applied = 0
        """The epoch that is in force, but for `unapplied`. Falls only with the register's own."""
        self.seen = 0
        """The register's epoch when it was last read."""
        self.highest = 0
        """The highest that was seen, in any life of the register."""
        self.bad: dict[str, str] = {}
        """Path → why what stands there can't be used."""
        self.gone: dict[str, str] = {}
        """Path → what to say of a document that the register has lost; it stays in force."""
        self.epoch_problem = ""
        """Why the epoch's own node can't be used."""
        self._paths = paths
        self._held: dict[str, Document] = {}
        """In force. `created` is the life of the register that had it."""
        self._read: Stamp | None = None
        self._change_id = ""
        """Of the applied epoch, as far as it is known."""
        self._blind = False
        """What was read last was read without an epoch: nobody can say which change it is of."""

    @property
    def unapplied(self) -> list[str]:
        """What of the epoch is not in force, as paths below the fleet's root."""
        return sorted(path.removeprefix(f"{self._paths.root}/") for path in self.bad)

    @property
    def change_id(self) -> str:
        """The change that made the applied epoch, for the last-known file: numbers alone can come again."""
        return self._change_id

    @property
    def documents(self) -> Iterable[Document]:
        """What is in force, for the last-known file."""
        return self._held.values()

    def remember(self, last: LastKnown, documents: Iterable[Document]) -> tuple[list[Decision], list[str]]:
        """*documents* of the last-known file are in force until the register is read: (decisions, what is damaged)."""
        self.highest, self.applied, self._change_id = last.epoch, last.applied, last.change_id
        decisions: list[Decision] = []
        problems: list[str] = []
        for document in filter(lambda one: self.concerns(one.path), documents):
            try:
                value = parse_decided(self._paths, document.path, document.data)
            except InvalidDocument as error:
                problems.append(str(error))
            else:
                self._held[document.path] = document
                decisions.append(Decision(document.path, value))
        return decisions, problems

    # ------------------------------------------------------------------ reading

    def wanted(self, node: Node) -> Wanted | None:
        """What to read, with the epoch's *node* as it stands; None: what is in force is what was decided."""
        stamp = _stamp(node)
        if stamp == self._read:
            return None
        try:
            epoch = parse_epoch(self._paths.epoch, node.data)
        except InvalidDocument as error:
            self.epoch_problem = error.sentence
            return Wanted(stamp, None, everything=True)
        self.epoch_problem = ""
        self.seen = epoch.epoch
        self.highest = max(self.highest, epoch.epoch)
        if not self._continues(epoch):
            return Wanted(stamp, epoch, everything=True, forked=True)
        if self._read is None or self._read.life != stamp.life:
            return Wanted(stamp, epoch, everything=True)
        everything = self._blind or not self._lists_all(epoch)
        return Wanted(stamp, epoch, self._named(epoch), everything=everything, forked=self._blind)

    def _continues(self, epoch: Epoch) -> bool:
        """What is applied is a part of the register's history, as far as can be told."""
        if epoch.epoch < self.applied:
            return False
        if self._read is None and not self._change_id:
            return True
        if epoch.epoch == self.applied:
            return epoch.change_id == self._change_id
        return all(change.change_id == self._change_id for change in epoch.changes if change.epoch == self.applied)

    def _lists_all(self, epoch: Epoch) -> bool:
        """It names each change since the applied epoch."""
        missing = range(self.applied + 1, epoch.epoch + 1)
        return 0 < len(missing) <= EPOCH_CHANGES and {*missing} <= {change.epoch for change in epoch.changes}

    def _named(self, epoch: Epoch) -> frozenset[str]:
        """What changes since the applied epoch have written, as far as they are listed."""
        since = (change for change in epoch.changes if change.epoch > self.applied)
        paths = (f"{self._paths.root}/{path}" for change in since for path in change.paths)
        return frozenset(path for path in paths if self.concerns(path))

    def concerns(self, path: str) -> bool:
        """A document that brokers apply."""
        return path == self._paths.settings or path.rpartition("/")[0] in {
            self._paths.traffics,
            self._paths.host_controls,
        }

    # ------------------------------------------------------------------ applying

    def settle(self, wanted: Wanted, node: Node, found: Found) -> list[Decision] | None:
        """What changes, with *found* what was wanted and *node* the epoch's read after that; None: read again.

        The caller puts what is returned in force before anything else happens: `applied` has risen already.
        """
        if _stamp(node) != wanted.stamp:
            return None
        life = wanted.stamp.life
        if wanted.forked:  # what it has no document for was not necessarily ended by anybody
            self._held = {path: Document(path, held.data) for path, held in self._held.items()}
        decisions: list[Decision] = []
        for path in sorted(found.keys() | (self._held.keys() | self.bad.keys() if wanted.everything else set[str]())):
            data = found.get(path)
            held_since = self._held[path].created if path in self._held else life
            if data is None:
                lives_on = wanted.epoch is not None and held_since == life
                decisions += self._absent(path, named=path in wanted.paths, lives_on=lives_on)
            else:
                decisions += self._present(path, data, life)
        if wanted.epoch is not None:
            self.applied, self._change_id = wanted.epoch.epoch, wanted.epoch.change_id
        self._read, self._blind = wanted.stamp, wanted.epoch is None
        return decisions

    def _absent(self, path: str, *, named: bool, lives_on: bool) -> list[Decision]:
        """Ended, when a change says so, or when the register *lives on* and can't have lost it; else in force."""
        self.bad.pop(path, None)
        held = self._held.get(path)
        if held is None:
            return []
        if not named and (not lives_on or path == self._paths.settings):
            what = "the settings" if path == self._paths.settings else "it"
            self.gone[path] = f"it is gone; what it said stays in force here: write {what} again"
            return []
        del self._held[path]
        self.gone.pop(path, None)
        return [Decision(path, None)]

    def _present(self, path: str, data: bytes | Unreadable, life: int) -> list[Decision]:
        self.gone.pop(path, None)
        held = self._held.get(path)
        try:
            if isinstance(data, Unreadable):
                raise InvalidDocument(path, data.why)
            value = parse_decided(self._paths, path, data)
        except InvalidDocument as error:
            rest = "nothing of it is in force" if held is None else "what it said before stays in force"
            self.bad[path] = f"{error.sentence}; {rest}"
            return []
        self.bad.pop(path, None)
        self._held[path] = Document(path, data, life)
        return [] if held is not None and held.data == data else [Decision(path, value)]


def _stamp(node: Node) -> Stamp:
    return Stamp(node.created_ms, node.mzxid)


def parse_decided(paths: Paths, path: str, data: bytes) -> Decided:
    """A document of those that `Decisions.concerns`; raises InvalidDocument."""
    if path == paths.settings:
        return parse_settings(path, data)
    return parse_traffic(path, data) if path.startswith(f"{paths.traffics}/") else parse_host_control(path, data)
