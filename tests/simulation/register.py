"""The register as brokers see it: nodes, and for each broker a view of them that is behind, or stands still.

A view reads what stands there when it looks, as with ZooKeeper's watches: what came and went between two looks is
not seen.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_core.register import MirrorEvent, NodeGone, NodeSeen, Synced
from h2o_core.znodes.live import encode_live
from h2o_core.znodes.packages import encode_package_version
from tests.simulation.agenda import MS, S
from tests.simulation.fleet import MANIFESTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.znodes.live import LiveHost
    from tests.simulation.agenda import Agenda

SESSION_NS = 6 * S
ADDITIONS_NS = 1 * S
RETURN_WAIT_NS = 500 * MS
LIVE, PACKAGES = "live", "packages"


class Broker(Protocol):
    """Whose session it is."""

    host: str
    lives: bool

    @property
    def may_join(self) -> bool:
        """It has read what operators decided."""
        ...

    def register_connects(self) -> None:
        """A connection stands."""

    def register_is_silent(self) -> None:
        """It does not answer."""

    def register_says(self, part: str, event: MirrorEvent) -> None:
        """A node is there, is other than before, or is gone."""


class Register:
    """The nodes. A node's stamp changes with every write; `owner`: the session that a live node goes with."""

    def __init__(self, agenda: Agenda, seed: int) -> None:
        self.agenda = agenda
        self.dice = Random(f"{seed}/register")
        self.nodes: dict[str, dict[str, tuple[bytes, int]]] = {LIVE: {}, PACKAGES: {}}
        self.owners: dict[str, int] = {}
        self.views: list[View] = []
        self._stamp = 0
        self._session = 0
        for spec in MANIFESTS.values():
            name = f"{spec.package[1:].replace('/', '.')}/{spec.version}"
            self.write(PACKAGES, name, encode_package_version(spec))

    def session(self) -> int:
        """A new session's id."""
        self._session += 1
        return self._session

    def write(self, part: str, name: str, data: bytes) -> None:
        """Set or create a node; everybody will see it."""
        self._stamp += 1
        self.nodes[part][name] = (data, self._stamp)
        self._tell()

    def remove(self, part: str, name: str) -> None:
        """A node goes."""
        if self.nodes[part].pop(name, None) is not None:
            self._tell()

    def expire(self, session: int) -> None:
        """A session has ended, and its live node with it."""
        for host in [host for host, owner in self.owners.items() if owner == session]:
            del self.owners[host]
            self.remove(LIVE, host)

    def _tell(self) -> None:
        for view in self.views:
            view.look_soon()


class View:
    """One broker's session with the register: what it has seen, and the host's own node that it keeps."""

    def __init__(self, register: Register, broker: Broker, document: Callable[[], LiveHost]) -> None:
        self.session = register.session()
        self._register = register
        self._broker = broker
        self._document = document
        self._agenda = register.agenda
        self._dice = register.dice
        self._seen: dict[str, dict[str, int]] = {LIVE: {}, PACKAGES: {}}
        self.connected = False
        self._serving = False
        """What there is was read: the broker may join when it has read what is decided, too."""
        self._looking = False
        self._writing = False
        self._written = b""
        self._away_until_ns = 0
        register.views.append(self)
        self._agenda.after(self._dice.randrange(5 * MS, 60 * MS), self._connect)

    def close(self) -> None:
        """Its process has ended; the session expires later."""
        self._register.views.remove(self)
        self.connected = False
        self._agenda.after(SESSION_NS, self._register.expire, self.session)

    def leave(self) -> None:
        """End the session now, if it can be told."""
        if self.connected:
            self._register.expire(self.session)

    # ------------------------------------------------------------------ reading

    def _connect(self) -> None:
        if not self._broker.lives or self.connected or self._agenda.now < self._away_until_ns:
            return
        self.connected = True
        self._broker.register_connects()
        self._read_all()

    def _read_all(self) -> None:
        for part in (PACKAGES, LIVE):
            self._read(part)
            self._broker.register_says(part, Synced())
        if not self._serving:
            self._serving = True
            inherited = self._broker.host in self._register.owners
            self._agenda.after(RETURN_WAIT_NS if inherited else MS, self._write)
        else:
            self.changed(at_once=True)

    def look_soon(self) -> None:
        """Something has changed; the watch will say so."""
        if self.connected and not self._looking:
            self._looking = True
            slow = self._dice.random() < 0.05
            self._agenda.after(self._dice.randrange(MS, 800 * MS if slow else 30 * MS), self._look)

    def _look(self) -> None:
        self._looking = False
        if self.connected and self._broker.lives:
            for part in (PACKAGES, LIVE):
                self._read(part)

    def _read(self, part: str) -> None:
        there, seen = self._register.nodes[part], self._seen[part]
        events: list[MirrorEvent] = [NodeGone(name) for name in seen if name not in there]
        events += [
            NodeSeen(name, data, 0, stamp, self._register.owners.get(name, 0))
            for name, (data, stamp) in there.items()
            if seen.get(name) != stamp
        ]
        self._seen[part] = {name: stamp for name, (_, stamp) in there.items()}
        for event in events:
            self._broker.register_says(part, event)
        if part == LIVE and self._serving and self._register.owners.get(self._broker.host) != self.session:
            self.changed(at_once=True)

    # ------------------------------------------------------------------ the host's own node

    def changed(self, *, at_once: bool) -> None:
        """The host's document is another: a removal is written at once, additions once a second."""
        if not self._writing or at_once:
            self._writing = True
            self._agenda.after(2 * MS if at_once else self._dice.randrange(ADDITIONS_NS), self._write)

    def _write(self) -> None:
        if self._broker.lives and not self._broker.may_join:
            self._writing = True
            self._agenda.after(5 * MS, self._write)
            return
        self._writing = False
        if not (self.connected and self._serving and self._broker.lives):
            return
        register, host = self._register, self._broker.host
        data = encode_live(self._document())
        if register.owners.get(host) == self.session and data == self._written:
            return
        if register.owners.get(host) not in {None, self.session} and self._dice.random() < 0.5:
            register.remove(LIVE, host)
        register.owners[host] = self.session
        self._written = data
        register.write(LIVE, host, data)

    # ------------------------------------------------------------------ trouble

    def away(self, ns: int) -> None:
        """ZooKeeper can't be reached for *ns*; its servers don't hear of this broker either."""
        if not self.connected:
            return
        self.connected = False
        self._away_until_ns = self._agenda.now + ns
        self._broker.register_is_silent()
        if ns > SESSION_NS:
            self._agenda.after(SESSION_NS, self._expired, self.session)
        self._agenda.after(ns, self._connect)

    def _expired(self, session: int) -> None:
        if self._broker.lives and self.session == session:
            self._register.expire(session)
            self.session = self._register.session()
