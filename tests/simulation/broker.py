"""A broker of the simulation: the real switch, roster, links and picture of the register, driven as its shell does."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Protocol

from h2o_broker import events
from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.register.admission import Refused, checked
from h2o_broker.register.known import Known
from h2o_broker.requests import INBOUND, LOCAL, OUTBOUND
from h2o_broker.roster import PING_EVERY_NS, Roster
from h2o_broker.switch import Switch
from h2o_core.documents import InvalidDocument
from h2o_core.envelope import REQUEST, WIRE
from h2o_core.errors import Code
from h2o_core.times import Moment
from h2o_core.znodes.live import LiveHost, LiveInstance
from tests.simulation.agenda import MS, US
from tests.simulation.catching_up import CatchingUp
from tests.simulation.fleet import FLEET, KEY
from tests.simulation.frames import payload_of
from tests.simulation.network import Connection, Link
from tests.simulation.register import LIVE, PACKAGES, View
from tests.simulation.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_broker.members import LocalInstance
    from h2o_core.handshakes import LinkNews
    from h2o_core.register import MirrorEvent
    from tests.simulation.agenda import Agenda
    from tests.simulation.network import Network
    from tests.simulation.operators import Operators
    from tests.simulation.register import Register
    from tests.simulation.streams import End
    from tests.simulation.witness import Witness

HIGH_WATER = 500
"""Frames that a link keeps which has no connection; the real figure is 65,536."""
_EPOCH_S = 1.7e9


class Watch(Protocol):
    """Who looks at all that a broker does."""

    def sent(self, broker: Broker, port: int, rid: bytes, frame: bytes) -> None:
        """A request leaves it."""

    def hold(self, broker: Broker) -> None:
        """It has said all that it had to say."""


class World(Protocol):
    """What a broker knows of the world."""

    seed: int
    agenda: Agenda
    witness: Witness
    network: Network
    register: Register
    operators: Operators

    @property
    def watch(self) -> Watch:
        """Who looks at it."""
        ...

    def serial(self) -> int:
        """A number that was not used before."""
        ...


class Broker:
    """One process, from its start to its end."""

    def __init__(self, world: World, host: str) -> None:
        serial = world.serial()
        self.world = world
        self.host = host
        self.lives = True
        self.agenda = world.agenda
        self.address = f"{host}:1"
        self.dice = Random(f"{world.seed}/broker/{host}/{serial}")
        self.incarnation = self.dice.getrandbits(64) | 1
        self.switch = Switch(host, self.incarnation, Random(f"{world.seed}/switch/{host}/{serial}").random)
        self.roster = Roster(self.switch, "a", FLEET)
        self.links = Links(self.switch, "a", FLEET, KEY)
        self.known = Known(FLEET, self.switch, self.roster, self.links)
        self.switch.rare = self._rare
        self.switch.origin.started(self.agenda.now)
        self.streams: dict[bytes, Stream] = {}
        self.outbound: dict[bytes, Link] = {}
        self.by_address: dict[str, Link] = {}
        self.inbound: dict[bytes, Connection] = {}
        self.view = View(world.register, self, self._document)
        self.given_up = 0
        """Requests, at the end of a drain's grace."""
        self._stalled = False
        self._waiting: list[tuple[Callable[..., None], tuple[object, ...]]] = []
        """What has come while it stood still."""
        self._wakes_ns = 0
        self.control = CatchingUp(world.operators, self)
        world.operators.readers.append(self.control)
        world.network.listeners[self.address] = self
        self.later(0, self._ping_round)

    # ------------------------------------------------------------------ its life

    def die(self) -> None:
        """The process ends without a word."""
        self.lives = False
        self.view.close()
        self.world.operators.readers.remove(self.control)
        self.world.network.died(self)
        for stream in self.streams.values():
            stream.broker_ends()
        for link in self.outbound.values():
            link.given_up = True

    def stop(self) -> None:
        """The process ends in order: it says goodbye to other brokers, and leaves the register."""
        self.links.inbound.farewell()
        self.flush()
        self.view.leave()
        self.die()

    def stall(self) -> None:
        """Stand still."""
        self._stalled = True

    def go_on(self) -> None:
        """Go on where it was; what has come meanwhile is there at once."""
        self._stalled = False
        waiting, self._waiting = self._waiting, []
        for call, arguments in waiting:
            self._due(call, arguments)

    def later(self, ns: int, call: Callable[..., None], *arguments: object) -> None:
        """*call* in *ns*, or when this process can."""
        self.agenda.after(ns, self._due, call, arguments)

    def _due(self, call: Callable[..., None], arguments: tuple[object, ...]) -> None:
        """*call* it, when this process can."""
        if self._stalled:
            self._waiting.append((call, arguments))
        elif self.lives:
            call(*arguments)

    def _document(self) -> LiveHost:
        instances = sorted(self.switch.instances.values(), key=_id)
        return LiveHost(
            self.host,
            "a",
            self.address,
            KEY,
            self.incarnation,
            f"machine-{self.host}",
            WIRE,
            instances=tuple(
                LiveInstance(
                    one.id,
                    one.version.spec.package,
                    one.version.spec.version,
                    one.version.spec.digest,
                    one.slots,
                    one.started_s,
                    one.pid,
                )
                for one in instances
                if one in one.version.instances
            ),
        )

    def moment(self) -> Moment:
        """Now, by both clocks."""
        return Moment(self.agenda.now, _EPOCH_S + self.agenda.now / 1e9)

    # ------------------------------------------------------------------ what comes in

    def accept(self, process: End) -> Stream:
        """A process of this host connects."""
        rid = self.world.serial().to_bytes(8, "big")
        stream = self.streams[rid] = Stream(self.agenda, self.dice, self, process, rid)
        return stream

    def heard(self, stream: Stream, frame: bytes, sent_ns: int) -> None:
        """A process of this host says something."""
        self._due(self._take, (self.switch.on_local, stream.rid, frame, sent_ns))

    def hears_inbound(self, rid: bytes, frame: bytes, sent_ns: int) -> None:
        """Another broker says something over its own link."""
        self._due(self._take, (self.switch.on_inbound, rid, frame, sent_ns))

    def hears_outbound(self, rid: bytes, frame: bytes, sent_ns: int) -> None:
        """Another broker says something over a link of ours; what comes over a closed one nobody reads."""
        if rid in self.outbound:
            self._due(self._take, (self.switch.on_outbound, rid, frame, sent_ns))

    def _take(self, receive: Callable[[bytes, bytes, int], None], rid: bytes, frame: bytes, sent_ns: int) -> None:
        now = self.agenda.now
        if frame[1] == REQUEST:
            asked = self.world.witness.of(payload_of(frame))
            asked.under_way_ns += now - sent_ns
            self.world.witness.tell(asked, now, f"reaches the broker of {self.host}")
        receive(rid, frame, now)
        self.flush()

    def over(self, stream: Stream) -> None:
        """A process of this host is gone."""
        self._due(self._local_gone, (stream,))

    def _local_gone(self, stream: Stream) -> None:
        if self.streams.pop(stream.rid, None) is None:
            return
        for frame, _ in stream.pending:
            self.switch.unsent(stream.rid, frame, self.agenda.now)
        self.roster.unreachable(stream.rid, self.agenda.now)
        self.flush()

    def hears_of_link(self, address: str, news: LinkNews) -> None:
        """Something became of a connection of ours."""
        self._due(self._link_news, (address, news))

    def _link_news(self, address: str, news: LinkNews) -> None:
        self.links.on_news(address, news, self.agenda.now)
        self.flush()

    def _rare(self, port: int, rid: bytes, frame: bytes, now: int) -> None:
        if port == LOCAL:
            self.roster.on_frame(rid, frame, now)
        elif port == INBOUND:
            self.links.inbound.on_frame(rid, frame, now)
        else:
            self.links.on_outbound(rid, frame, now)

    # ------------------------------------------------------------------ what the register says

    def register_connects(self) -> None:
        """A connection to it stands."""
        self._due(self.known.presence.connected, ())
        self.control.ring()

    @property
    def reaches_register(self) -> bool:
        """A connection to it stands."""
        return self.view.connected

    @property
    def may_join(self) -> bool:
        """It has read what operators decided."""
        return self.control.done

    def register_is_silent(self) -> None:
        """It does not answer."""
        self._due(self.known.presence.disconnected, ())

    def register_says(self, part: str, event: MirrorEvent) -> None:
        """A node is there, is other than before, or is gone."""
        self._due(self._register_says, (part, event))

    def _register_says(self, part: str, event: MirrorEvent) -> None:
        told = {LIVE: self.known.on_live, PACKAGES: self.known.on_package}[part]
        told(event, self.moment())
        self.flush()

    # ------------------------------------------------------------------ what goes out

    def flush(self) -> None:
        """Send all that the switch has said, and tell its events (h2o_broker.ports)."""
        switch = self.switch
        while switch.out or switch.events:
            for port, rid, frame in switch.take():
                if frame[1] == REQUEST:
                    self.world.watch.sent(self, port, rid, frame)
                if port == LOCAL:
                    stream = self.streams.get(rid)
                    if stream is None or not stream.down(frame):
                        switch.unsent(rid, frame, self.agenda.now)
                else:
                    self._send(port, rid, frame)
            told, switch.events = switch.events, []
            for event in told:
                self._on_event(event)
        self.world.watch.hold(self)
        due = switch.next_wakeup()
        if due is not None and (not self._wakes_ns or due < self._wakes_ns):
            self._wakes_ns = due
            late_ns = self.dice.randrange(MS)
            self.later(max(0, due - self.agenda.now) + late_ns, self._expire)

    def _send(self, port: int, rid: bytes, frame: bytes) -> None:
        network, now = self.world.network, self.agenda.now
        if port == OUTBOUND:
            link = self.outbound.get(rid)
            if link is not None and len(link.queue) < HIGH_WATER:
                network.send(link, frame)
                return
            reachable = link is not None
        else:
            connection = self.inbound.get(rid)
            if connection is not None:
                network.answer(connection, frame)
                return
            reachable = False
        self.switch.unsent(rid, frame, now)
        if not reachable and port == INBOUND:
            self.links.inbound.unreachable(rid, now)

    def _expire(self) -> None:
        self._wakes_ns = 0
        self.switch.expire(self.agenda.now)
        self.flush()

    def _ping_round(self) -> None:
        self.roster.ping_round(self.agenda.now)
        self.links.ping_round(self.agenda.now)
        self.switch.judge.tick(self.agenda.now)
        self.known.tick(self.moment())
        self.later(PING_EVERY_NS + self.dice.randrange(500 * US), self._ping_round)
        self.flush()

    # ------------------------------------------------------------------ events

    def _on_event(self, event: events.Event) -> None:
        match event:
            case events.RegistrationAsked():
                self.later(self.dice.randrange(MS, 20 * MS), self._admit, event)
            case events.InstanceAdmitted():
                self.view.changed(at_once=False)
            case events.InstanceRemoved():
                self.view.changed(at_once=True)
            case events.LinkWanted():
                link = self.world.network.connect(self, event.address, event.rid)
                self.outbound[event.rid] = self.by_address[event.address] = link
            case events.LinkDropped():
                link = self.by_address.pop(event.address, None)
                if link is not None:
                    del self.outbound[link.rid]
                    self.world.network.disconnect(link)
            case events.LinkChanged():
                peer = self.links.peers.get(event.host)
                if peer is not None:
                    self.known.link(event.host, self.moment(), answers=peer.answers)
            case events.GivenUp():
                self.given_up += 1
            case events.ReportAsked():
                msg = "nobody asks for reports here"
                raise AssertionError(msg)

    def _admit(self, asked: events.RegistrationAsked) -> None:
        try:
            spec = checked(asked.register)
        except (Refused, InvalidDocument) as refusal:
            self.roster.reject(asked.rid, asked.correlation, Code.BAD_REQUEST, str(refusal))
        else:
            instance_id = f"{self.dice.getrandbits(64):016x}"
            admission = Admission(asked.register.slots, 1, "", self.agenda.now / 1e9)
            self.roster.admit(asked.rid, asked.correlation, instance_id, spec, admission, self.agenda.now)
        self.flush()


def _id(instance: LocalInstance) -> str:
    return instance.id
