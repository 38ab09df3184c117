"""What operators decide: documents with their epoch, as they stand in the register; and what they have to lead to."""

from __future__ import annotations

from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_core.control.epoch import Change, Epoch, encode_epoch
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.traffic import WHOLE, Traffic, encode_traffic
from h2o_core.register import Node
from h2o_core.znodes.paths import Paths
from tests.simulation.agenda import MS
from tests.simulation.fleet import FLEET

if TYPE_CHECKING:
    from tests.simulation.agenda import Agenda

PACKAGE = "/service/customer"
STABLE, NEW = "1.0.0", "2.0.0"
"""The one package that has two versions."""


class Reader(Protocol):
    """A broker's watch of the epoch."""

    def ring(self) -> None:
        """The epoch has changed."""


def traffic(parts: int) -> Traffic:
    """So many parts out of 10,000 for the new version."""
    return Traffic(PACKAGE, STABLE, ((STABLE, WHOLE - parts), (NEW, parts)), experiment="e1", salt="s")


def version_of(key: str, parts: int) -> str:
    """The version of a sticky key, as TRAFFIC.md says it: 64 bits of blake2b of experiment, salt and key below w."""
    drawn = int.from_bytes(blake2b(f"e1|s|{key}".encode(), digest_size=8).digest(), "big")
    return NEW if drawn / (1 << 64) < parts / WHOLE else STABLE


class Operators:
    """Each decision is one transaction: a document, or its end, and the epoch. Watches of it fire when they like."""

    def __init__(self, agenda: Agenda, seed: int) -> None:
        self.documents: dict[str, bytes] = {}
        """By path, those that stand."""
        self.readers: list[Reader] = []
        self.paths = Paths(FLEET)
        self._agenda = agenda
        self._dice = Random(f"{seed}/operators")
        self._epoch = Epoch()

    @property
    def epoch(self) -> int:
        """The number of changes."""
        return self._epoch.epoch

    def node(self) -> Node:
        """`control/epoch`, as it stands."""
        number = self._epoch.epoch
        return Node(encode_epoch(self._epoch), number, 1, number + 1, 0, number, 1)

    def weigh(self, parts: int | None) -> None:
        """Give the new version so many parts; None: take the document away."""
        self._decide(self.paths.traffic(PACKAGE), None if parts is None else encode_traffic(traffic(parts)))

    def put(self, host: str, state: HostState | None, grace_s: float = 300.0) -> None:
        """Drain or avoid *host*, or let it have everything again."""
        control = HostControl(host, state, owner="op", grace_s=grace_s) if state is not None else None
        document = None if control is None else encode_host_control(control)
        self._decide(self.paths.host_control(host), document)

    def _decide(self, path: str, document: bytes | None) -> None:
        if document is None:
            self.documents.pop(path, None)
        else:
            self.documents[path] = document
        epoch = self._epoch.epoch + 1
        change = Change(epoch, (path.removeprefix(f"{self.paths.root}/"),), f"change-{epoch}")
        self._epoch = Epoch(epoch, change.change_id, (*self._epoch.changes, change))
        for reader in self.readers:
            self._agenda.after(self._dice.randrange(MS, self._dice.choice((20, 20, 900)) * MS), reader.ring)
