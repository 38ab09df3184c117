"""Links to other brokers: greeting, PING, suspicion, incarnations, and the instances behind them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.events import LinkChanged, LinkDropped, LinkWanted
from h2o_broker.members import Caller, Health, Peer, Pool, RemoteInstance, Source
from h2o_broker.requests import INBOUND, OUTBOUND
from h2o_core.envelope import HELLO, PING, PING_BODY, PONG, WELCOME, WIRE, Frame, decode, encode
from h2o_core.pb.registration_pb2 import Hello, Welcome

if TYPE_CHECKING:
    from h2o_broker.switch import Switch
    from h2o_core.znodes import LiveHost, LiveInstance

MISSED_PINGS: Final = 3
GREET_AGAIN: Final = 1
"""A flag on PONG: the answerer does not know this link; say HELLO."""


class Links:
    """The fleet's other brokers, by host; told of by the register, judged by PONG alone."""

    def __init__(self, switch: Switch, zone: str, fleet: str) -> None:
        self._switch = switch
        self._zone = zone
        self._fleet = fleet
        self._sequence = 0
        self.peers: dict[str, Peer] = {}
        self._by_rid: dict[bytes, Peer] = {}

    # ------------------------------------------------------------------ what the register says

    def host_up(self, live: LiveHost) -> None:
        """Another host has registered: open a link to its broker."""
        switch = self._switch
        self._sequence += 1
        rid = f"{live.host}#{live.incarnation:016x}#{self._sequence}".encode()
        peer = Peer(live.host, live.zone, live.address, live.incarnation, rid, dict(live.labels))
        self.peers[live.host] = peer
        self._by_rid[rid] = peer
        switch.picture_version += 1
        switch.events.append(LinkWanted(live.host, live.address, rid))

    def host_down(self, host: str, now: int, why: str = "its host left the register") -> None:
        """The host is gone, or came back as another incarnation."""
        peer = self.peers.pop(host, None)
        if peer is None:
            return
        switch = self._switch
        del self._by_rid[peer.rid]
        switch.picture_version += 1
        peer.health = Health.GONE
        for instance_id in list(peer.instances):
            self._forget(peer, instance_id)
        switch.events.append(LinkDropped(host, peer.address))
        self._lose_in_flight(peer, f"host {host} is gone: {why}", now)

    def host_changed(self, live: LiveHost) -> None:
        """The same broker says something else of its host."""
        peer = self.peers.get(live.host)
        if peer is not None:
            peer.zone = live.zone
            peer.labels = dict(live.labels)
            self._switch.picture_version += 1

    def instance_up(self, host: str, live: LiveInstance, pool: Pool) -> None:
        """An instance of another host is in the register."""
        peer = self.peers.get(host)
        if peer is None or live.id in peer.instances:
            return
        instance = RemoteInstance(live.id, peer, live.version, live.slots, live.started_s)
        peer.instances[live.id] = pool, instance
        pool.remote.setdefault(live.version, []).append(instance)
        self._switch.rebuild(pool)

    def instance_down(self, host: str, instance_id: str) -> None:
        """It is out of the register; what was sent there is still the destination's to answer."""
        peer = self.peers.get(host)
        if peer is not None:
            self._forget(peer, instance_id)

    def _forget(self, peer: Peer, instance_id: str) -> None:
        known = peer.instances.pop(instance_id, None)
        if known is None:
            return
        pool, instance = known
        members = pool.remote[instance.version]
        members.remove(instance)
        if not members:
            del pool.remote[instance.version]
        self._switch.rebuild(pool)

    # ------------------------------------------------------------------ frames

    def on_outbound(self, rid: bytes, raw: bytes, now: int) -> None:
        """A rare frame over a link that we opened."""
        peer = self._by_rid.get(rid)
        frame = decode(raw)
        if peer is None:
            self._switch.oddities.count("frames_of_closed_links")
        elif frame.type == WELCOME:
            self._welcome(peer, frame, now)
        elif frame.type == PONG and len(frame.payload) == PING_BODY.size:
            self._pong(peer, frame, now)
        else:
            self._switch.oddities.count("unexpected_frames")

    def on_inbound(self, rid: bytes, raw: bytes, now: int) -> None:
        """A rare frame over a link that another broker opened."""
        switch = self._switch
        frame = decode(raw)
        if frame.type == HELLO:
            self._hello(rid, frame, now)
        elif frame.type == PING and len(frame.payload) == PING_BODY.size:
            switch.pong(INBOUND, rid, frame.payload[8:], 0 if rid in switch.inbound else GREET_AGAIN)
        else:
            switch.oddities.count("unexpected_frames")

    def _bury_predecessors(self, hello: Hello, now: int) -> None:
        """Links of the host's earlier brokers: nobody is behind them any more, and no send may ever find out."""
        sources = list(self._switch.inbound.values())
        for source in sources:
            if source.caller.package == hello.host and source.incarnation != hello.incarnation:
                self._switch.lose_source(source, now)

    def _hello(self, rid: bytes, frame: Frame, now: int) -> None:
        switch = self._switch
        try:
            hello = Hello.FromString(frame.payload)
        except DecodeError:
            switch.oddities.count("malformed_frames")
            return
        if hello.wire != WIRE or not hello.host or hello.host == switch.host:
            switch.oddities.count("refused_greetings")
            return
        self._bury_predecessors(hello, now)
        # The link's own name; who calls is in each request's route block.
        switch.inbound[rid] = Source(INBOUND, rid, Caller(hello.host), hello.incarnation)
        welcome = Welcome(
            wire=WIRE, host=switch.host, zone=self._zone, incarnation=switch.incarnation, fleet=self._fleet
        )
        payload = welcome.SerializeToString()
        switch.out.append((INBOUND, rid, encode(WELCOME, correlation=frame.correlation, payload=payload)))

    def greet(self, peer_rid: bytes) -> None:
        """The link is open (or forgotten by the other side): say who we are."""
        switch = self._switch
        hello = Hello(wire=WIRE, host=switch.host, incarnation=switch.incarnation, program="h2o-broker")
        switch.out.append((OUTBOUND, peer_rid, encode(HELLO, payload=hello.SerializeToString())))

    def _welcome(self, peer: Peer, frame: Frame, now: int) -> None:
        try:
            welcome = Welcome.FromString(frame.payload)
        except DecodeError:
            self._switch.oddities.count("malformed_frames")
            return
        if welcome.host != peer.host or welcome.incarnation != peer.incarnation or welcome.fleet != self._fleet:
            self._switch.oddities.count("welcomes_from_another")
            return
        self._answered(peer, now)

    def _pong(self, peer: Peer, frame: Frame, now: int) -> None:
        incarnation, sent_ns = PING_BODY.unpack(frame.payload)
        if incarnation != peer.incarnation:
            self._another_incarnation(peer, now)
        elif frame.flags & GREET_AGAIN:
            self.greet(peer.rid)
        else:
            peer.rtt_ns = max(0, now - sent_ns)
            self._answered(peer, now)

    def _answered(self, peer: Peer, now: int) -> None:
        peer.pong_ns = now
        peer.unanswered_pings = 0
        if peer.health is not Health.READY:
            self._judge(peer, Health.READY, "up")

    def _another_incarnation(self, peer: Peer, now: int) -> None:
        """Its broker restarted: what the old one had is unknown, and the register will tell of the new one."""
        if peer.health is not Health.SUSPECT:
            self._judge(peer, Health.SUSPECT, "answers as another incarnation")
        self._lose_in_flight(peer, f"the broker of {peer.host} restarted while it worked on this", now)

    def ping_round(self, now: int) -> None:
        """Ask every peer for a PONG; three unanswered make it suspect: not chosen, in flight kept."""
        switch = self._switch
        ping = encode(PING, payload=PING_BODY.pack(switch.incarnation, now))
        for peer in self.peers.values():
            switch.out.append((OUTBOUND, peer.rid, ping))
            peer.unanswered_pings += 1
            if peer.unanswered_pings > MISSED_PINGS and peer.health is Health.READY:
                self._judge(peer, Health.SUSPECT, "suspect: no PONG")

    def unreachable(self, port: int, rid: bytes, now: int) -> None:
        """The socket knows no such peer: an inbound link closed, or an outbound one not open yet."""
        if port == INBOUND:
            source = self._switch.inbound.get(rid)
            if source is not None:
                self._switch.lose_source(source, now)

    def _judge(self, peer: Peer, health: Health, what: str) -> None:
        peer.health = health
        self._switch.picture_version += 1
        for pool in {id(pool): pool for pool, _ in peer.instances.values()}.values():
            self._switch.rebuild(pool)
        self._switch.events.append(LinkChanged(peer.host, what))

    def _lose_in_flight(self, peer: Peer, why: str, now: int) -> None:
        switch = self._switch
        lost = {
            id(request.target): request.target
            for request in switch.requests.values()
            if isinstance(request.target, RemoteInstance) and request.target.peer is peer
        }
        switch.lose_requests_of(lost.values(), why, now)
