"""Links between brokers as libzmq makes them of TCP connections: what arrives, comes late, or is lost with them.

What it can do, and why: a connection keeps order and doubles nothing (TCP, and CURVE counts its messages). When it
ends, what was under way is lost from some byte on, each way by itself. A link outlives its connections: what
was not given to one goes to the next, which may end at the broker's successor. A partition delays, until a
heartbeat is missed for 5 s and both ends hang up. `hostile` is what no transport of ours does: frames of a standing
connection are lost, doubled, and overtake one another. (libzmq ends a CURVE connection whose next message does not
carry a higher nonce than the one before.) Calls of which a frame was doubled are marked: that a request comes
twice a broker can't tell once the first has ended.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_core.envelope import REQUEST
from h2o_core.handshakes import LinkNews
from tests.simulation.agenda import MS, US, S
from tests.simulation.frames import payload_of

if TYPE_CHECKING:
    from tests.simulation.agenda import Agenda
    from tests.simulation.witness import Asked, Witness

HEARTBEAT_TIMEOUT_NS = 5 * S
_FOREVER = 1 << 62


class Broker(Protocol):
    """Whose sockets these are."""

    host: str
    lives: bool
    inbound: dict[bytes, Connection]

    def hears_of_link(self, address: str, news: LinkNews) -> None:
        """Something became of a connection of its own."""

    def hears_inbound(self, rid: bytes, frame: bytes, sent_ns: int) -> None:
        """A frame over a link that another has opened."""

    def hears_outbound(self, rid: bytes, frame: bytes, sent_ns: int) -> None:
        """A frame over one that it has opened."""


class Way:
    """One direction of a connection. What would arrive after `cut_ns` is lost; `held`: behind a partition."""

    __slots__ = ("arrives_ns", "cut_ns", "held")

    def __init__(self) -> None:
        self.arrives_ns = 0
        self.cut_ns = _FOREVER
        self.held: list[tuple[bytes, int]] = []


class Connection:
    """A TCP connection: the opener's `link` at one end, at the other the acceptor, to whom it is `rid`."""

    __slots__ = ("acceptor", "calls", "greeted", "link", "rid", "standing", "to_acceptor", "to_opener")

    def __init__(self, link: Link, acceptor: Broker, rid: bytes) -> None:
        self.link = link
        self.acceptor = acceptor
        self.rid = rid
        self.standing = True
        self.greeted = False
        self.to_acceptor = Way()
        self.to_opener = Way()
        self.calls: dict[bytes, Asked] = {}
        """Correlation → call, in a hostile network."""


class Link:
    """What the opener's `connect` made, until its `disconnect`. `queue`: given to no connection yet."""

    __slots__ = ("address", "connection", "given_up", "opener", "queue", "rid")

    def __init__(self, opener: Broker, address: str, rid: bytes) -> None:
        self.opener = opener
        self.address = address
        self.rid = rid
        self.queue: list[bytes] = []
        self.connection: Connection | None = None
        self.given_up = False


class Network:
    """All links of the fleet, and who listens where."""

    def __init__(self, agenda: Agenda, witness: Witness, seed: int, *, hostile: bool) -> None:
        self._agenda = agenda
        self._witness = witness
        self._dice = Random(f"{seed}/network")
        self._hostile = hostile
        self.listeners: dict[str, Broker] = {}
        self._blocked: dict[frozenset[str], int] = {}
        """Two hosts → until when nothing passes between them."""
        self._connections: list[Connection] = []
        self._serial = 0
        self.lost = 0
        """Frames that were under way on a connection that ended, or were lost by a hostile network."""

    # ------------------------------------------------------------------ what brokers do

    def connect(self, opener: Broker, address: str, rid: bytes) -> Link:
        """A link, which makes its connection in the background."""
        link = Link(opener, address, rid)
        self._agenda.after(self._dice.randrange(100 * US, 2 * MS), self._try, link)
        return link

    def disconnect(self, link: Link) -> None:
        """Close it, with all that it still had."""
        link.given_up = True
        link.queue.clear()
        if link.connection is not None:
            self._end(link.connection, opener_hears=False)

    def send(self, link: Link, frame: bytes) -> None:
        """Over a link that one has opened."""
        connection = link.connection
        if connection is not None and connection.greeted:
            self._carry(connection, connection.to_acceptor, frame)
        else:
            link.queue.append(frame)

    def answer(self, connection: Connection, frame: bytes) -> None:
        """Over one that another has opened."""
        self._carry(connection, connection.to_opener, frame)

    def died(self, broker: Broker) -> None:
        """A process has ended: the kernel closes its connections, and sends what it had been given, or part of it."""
        for address, listener in list(self.listeners.items()):
            if listener is broker:
                del self.listeners[address]
        for connection in list(self._connections):
            if connection.link.opener is broker:
                connection.link.given_up = True
                self._end(connection, opener_hears=False)
            elif connection.acceptor is broker:
                self._end(connection)

    # ------------------------------------------------------------------ connections

    def _try(self, link: Link) -> None:
        if link.given_up or link.connection is not None or not link.opener.lives:
            return
        acceptor = self.listeners.get(link.address)
        if acceptor is None or self._blocked_until(link.opener.host, acceptor.host):
            self._news(link, LinkNews.TRYING)
            self._agenda.after(self._dice.randrange(100 * MS, 1000 * MS), self._try, link)
            return
        self._serial += 1
        connection = link.connection = Connection(link, acceptor, b"\0" + self._serial.to_bytes(4, "big"))
        self._connections.append(connection)
        self._agenda.after(self._dice.randrange(MS, 5 * MS), self._greeted, connection)

    def _greeted(self, connection: Connection) -> None:
        if not connection.standing:
            return
        link = connection.link
        connection.greeted = True
        connection.acceptor.inbound[connection.rid] = connection
        self._news(link, LinkNews.GREETED)
        queue, link.queue = link.queue, []
        for frame in queue:
            self._carry(connection, connection.to_acceptor, frame)

    def _end(self, connection: Connection, *, opener_hears: bool = True, again: bool = True) -> None:
        """It breaks; each end notices by itself, and each way loses what it likes of what is under way."""
        if not connection.standing:
            return
        connection.standing = False
        self._connections.remove(connection)
        link, now = connection.link, self._agenda.now
        link.connection = None
        for way in (connection.to_acceptor, connection.to_opener):
            way.cut_ns = now + self._dice.choice((0, 0, self._dice.randrange(10 * MS)))
            self.lost += len(way.held)
        self._agenda.at(connection.to_acceptor.cut_ns + self._dice.randrange(MS), self._acceptor_notices, connection)
        if opener_hears:
            hears_ns = connection.to_opener.cut_ns + self._dice.randrange(2 * MS)
            self._agenda.at(hears_ns, self._news, link, LinkNews.LOST)
            if again:
                self._agenda.at(hears_ns, self._news, link, LinkNews.TRYING)
                self._agenda.at(hears_ns + self._dice.randrange(100 * MS, 200 * MS), self._try, link)

    def _acceptor_notices(self, connection: Connection) -> None:
        connection.acceptor.inbound.pop(connection.rid, None)

    def _news(self, link: Link, news: LinkNews) -> None:
        """They come through a socket of their own, so frames may be seen before them or after."""
        if link.opener.lives and not (link.given_up and news is LinkNews.TRYING):
            self._agenda.after(self._dice.randrange(MS), link.opener.hears_of_link, link.address, news)

    # ------------------------------------------------------------------ frames

    def _carry(self, connection: Connection, way: Way, frame: bytes) -> None:
        now, dice = self._agenda.now, self._dice
        if self._hostile:
            self._carry_badly(connection, way, frame)
            return
        slow = dice.random() < 0.01
        way.arrives_ns = max(way.arrives_ns, now + dice.randrange(100 * US, 20 * MS if slow else MS))
        self._agenda.at(way.arrives_ns, self._arrive, connection, way, frame, now)

    def _carry_badly(self, connection: Connection, way: Way, frame: bytes) -> None:
        now, dice, correlation = self._agenda.now, self._dice, frame[4:8]
        if frame[1] == REQUEST:
            connection.calls[correlation] = self._witness.of(payload_of(frame))
        times = dice.choices((0, 1, 2), (2, 94, 4))[0]
        self.lost += not times
        if times > 1 and correlation in connection.calls:
            connection.calls[correlation].doubled = True
        for _ in range(times):
            slow = dice.random() < 0.1
            at_ns = now + dice.randrange(100 * US, 80 * MS if slow else 2 * MS)
            self._agenda.at(at_ns, self._arrive, connection, way, frame, now)

    def _arrive(self, connection: Connection, way: Way, frame: bytes, sent_ns: int) -> None:
        if self._agenda.now > way.cut_ns:
            self.lost += 1
        elif way.held or (self._blocked and self._is_blocked(connection)):
            way.held.append((frame, sent_ns))
        elif way is connection.to_acceptor:
            connection.acceptor.hears_inbound(connection.rid, frame, sent_ns)
        else:
            connection.link.opener.hears_outbound(connection.link.rid, frame, sent_ns)

    def _release(self, connection: Connection, way: Way) -> None:
        held, way.held = way.held, []
        for frame, sent_ns in held:
            self._arrive(connection, way, frame, sent_ns)

    # ------------------------------------------------------------------ faults

    def _blocked_until(self, host: str, other: str) -> int:
        until_ns = self._blocked.get(frozenset((host, other)), 0)
        return until_ns if until_ns > self._agenda.now else 0

    def _is_blocked(self, connection: Connection) -> bool:
        return self._blocked_until(connection.link.opener.host, connection.acceptor.host) > 0

    def _between(self, host: str, other: str) -> list[Connection]:
        return [one for one in self._connections if {one.link.opener.host, one.acceptor.host} == {host, other}]

    def partition(self, host: str, other: str, ns: int) -> None:
        """Nothing passes between them for *ns*."""
        pair = frozenset((host, other))
        self._blocked[pair] = max(self._blocked.get(pair, 0), self._agenda.now + ns)
        self._agenda.after(ns, self._heal, host, other)
        if ns > HEARTBEAT_TIMEOUT_NS:
            self._agenda.after(HEARTBEAT_TIMEOUT_NS, self._hang_up, host, other)

    def _heal(self, host: str, other: str) -> None:
        if not self._blocked_until(host, other):
            self._blocked.pop(frozenset((host, other)), None)
            for connection in self._between(host, other):
                self._release(connection, connection.to_acceptor)
                self._release(connection, connection.to_opener)

    def _hang_up(self, host: str, other: str) -> None:
        """Heartbeats are missed; who has connected since the partition began has none to miss."""
        if self._blocked_until(host, other):
            for connection in self._between(host, other):
                self._end(connection)

    def cut(self, opener: str, acceptor: str, *, again: bool) -> None:
        """The connection that *opener* made breaks; *again*: libzmq makes another."""
        for connection in self._between(opener, acceptor):
            if connection.link.opener.host == opener:
                self._end(connection, again=again)
