"""Links to other brokers: greeting, PING, suspicion, incarnations, and the instances behind them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.events import LinkChanged, LinkDropped, LinkWanted
from h2o_broker.inbound_links import GREET_AGAIN, LEAVING, InboundLinks
from h2o_broker.members import Health, Peer, RemoteInstance
from h2o_broker.remote_instances import RemoteInstances
from h2o_broker.requests import OUTBOUND
from h2o_core.choice import ELSEWHERE, OWN_ZONE
from h2o_core.envelope import (
    HELLO,
    PING,
    PING_BODY,
    PING_VERDICTS,
    PONG,
    WELCOME,
    WIRE,
    Frame,
    MalformedFrame,
    decode,
    decode_verdicts,
    encode,
)
from h2o_core.handshakes import LinkNews
from h2o_core.pb.registration_pb2 import Hello, Welcome

if TYPE_CHECKING:
    from h2o_broker.switch import Switch
    from h2o_core.znodes.live import LiveHost

MISSED_PINGS: Final = 3
LINK_AGAIN_AFTER_NS: Final = 1_000_000_000
"""A link that libzmq has given up is opened again, as a new one, after this long."""
_FAILURES_THAT_TELL: Final = 3
"""One handshake may be cut off by a broker that dies in it, another by its machine that is out of breath."""


class Links:
    """The fleet's other brokers, by host; told of by the register, judged by PONG alone."""

    def __init__(self, switch: Switch, zone: str, fleet: str, key: str) -> None:
        """*key*: the public key (z85) that brokers with this host's secret have."""
        self._switch = switch
        self._zone = zone
        self._fleet = fleet
        self._key = key
        self._sequence = 0
        self.peers: dict[str, Peer] = {}
        self._by_rid: dict[bytes, Peer] = {}
        self._by_address: dict[str, Peer] = {}
        self.instances = RemoteInstances(switch, self.peers)
        self.inbound = InboundLinks(switch, self.peers, zone, fleet)

    # ------------------------------------------------------------------ what the register says

    def host_up(self, live: LiveHost) -> None:
        """Another host has registered: open a link to its broker."""
        peer = Peer(live.host, live.zone, live.address, live.incarnation, b"", dict(live.labels))
        peer.place = self._place(live.zone)
        self.peers[live.host] = peer
        self._switch.picture_version += 1
        if live.key == self._key:
            self._by_address[live.address] = peer
            self._open(peer)
        else:
            self._refuse(
                peer,
                f"{peer.host} has another fleet secret than {self._switch.host}; give both hosts the same "
                f"secret_file and restart the broker that had the wrong one",
            )

    def _place(self, zone: str) -> int:
        return OWN_ZONE if zone == self._zone else ELSEWHERE

    def _open(self, peer: Peer) -> None:
        """A routing id is never used twice in a process: libzmq would abort it."""
        self._sequence += 1
        peer.rid = f"{peer.host}#{peer.incarnation:016x}#{self._sequence}".encode()
        peer.linked = True
        peer.pong_ns = 0
        peer.given_up_ns = 0
        self._by_rid[peer.rid] = peer
        self._switch.events.append(LinkWanted(peer.host, peer.address, peer.rid))

    def _shut(self, peer: Peer) -> None:
        if peer.linked:
            peer.linked = peer.connected = False
            del self._by_rid[peer.rid]
            self._switch.events.append(LinkDropped(peer.host, peer.address))

    def host_down(self, host: str, now: int, why: str = "its host left the register") -> None:
        """The host is gone, or came back as another incarnation."""
        peer = self.peers.pop(host, None)
        if peer is None:
            return
        self._shut(peer)
        if self._by_address.get(peer.address) is peer:
            del self._by_address[peer.address]
        self._switch.picture_version += 1
        peer.health = Health.GONE
        self.instances.host_down(peer, now)
        self._lose_in_flight(peer, f"host {host} is gone: {why}", now)

    def host_changed(self, live: LiveHost, now: int) -> None:
        """The same broker says something else of its host."""
        peer = self.peers.get(live.host)
        if peer is not None:
            peer.zone = live.zone
            peer.labels = dict(live.labels)
            self._switch.picture_version += 1
            if peer.place != self._place(live.zone):
                peer.place = self._place(live.zone)
                self._rebuild_pools(peer, now)

    # ------------------------------------------------------------------ what libzmq tells

    def on_news(self, address: str, news: LinkNews, now: int) -> None:
        """Something became of our connection to *address* ("host:port")."""
        peer = self._by_address.get(address)
        if peer is None:
            return
        if news is LinkNews.TRYING:
            peer.given_up_ns = 0
        elif news is LinkNews.LOST:
            peer.given_up_ns = now
            peer.connected = False
            if peer.health is Health.READY:
                self._judge(peer, Health.SUSPECT, "suspect: its connection ended", now)
        elif news is LinkNews.GREETED:
            peer.connected = True
            self._clear(peer)
            if not peer.pong_ns:
                self.greet(peer.rid)
        elif news is LinkNews.SILENT:
            self._doubt(peer, f"what listens at {address} takes connections and says nothing; is its broker stopped?")
        else:
            peer.failed_handshakes += 1
            if news is LinkNews.REFUSED or peer.failed_handshakes >= _FAILURES_THAT_TELL:
                self._refuse(
                    peer,
                    f"what listens at {address} does not take this host's key: it is no broker of fleet "
                    f"{self._fleet}, or has another fleet secret; compare secret_file on {peer.host} and here",
                )

    def _refuse(self, peer: Peer, why: str) -> None:
        if not peer.refused:
            self._switch.oddities.count("refused_links")
            peer.refused = True
            self._doubt(peer, why)

    def _doubt(self, peer: Peer, why: str) -> None:
        if peer.why != why:
            peer.why = why
            self._switch.picture_version += 1
            self._switch.events.append(LinkChanged(peer.host, why))

    def _clear(self, peer: Peer) -> None:
        peer.failed_handshakes = 0
        if peer.why:
            peer.why = ""
            peer.refused = False
            self._switch.picture_version += 1

    def _link_again(self, peer: Peer, now: int) -> None:
        """Whatever was in flight over the old link can't come back any more."""
        self._shut(peer)
        self._lose_in_flight(peer, f"the link to {peer.host} broke while it worked on this", now)
        self._open(peer)

    # ------------------------------------------------------------------ frames

    def on_outbound(self, rid: bytes, raw: bytes, now: int) -> None:
        """A rare frame over a link that we opened."""
        peer = self._by_rid.get(rid)
        frame = decode(raw)
        if peer is None:
            self._switch.oddities.count("frames_of_closed_links")
        elif frame.type == WELCOME:
            self._welcome(peer, frame, now)
        elif frame.type == PONG and len(frame.payload) >= PING_BODY.size:
            self._pong(peer, frame, now)
        else:
            self._switch.oddities.count("unexpected_frames")

    def greet(self, peer_rid: bytes) -> None:
        """The link is open for the first time, or forgotten by the other side: say who we are."""
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
        incarnation, sent_ns = PING_BODY.unpack_from(frame.payload)
        if incarnation != peer.incarnation:
            self._another_incarnation(peer, now)
        elif frame.flags & LEAVING:
            peer.answers = False
            self._judge(peer, Health.LEAVING, "its broker is leaving", now)
        elif frame.flags & GREET_AGAIN:
            self._broken(peer, sent_ns, now)
        else:
            peer.rtt_ns = max(0, now - sent_ns)
            self._answered(peer, now)
            self._hear(peer, frame.payload[PING_BODY.size :], now)

    def _hear(self, peer: Peer, verdicts: bytes, now: int) -> None:
        if verdicts or peer.told:
            try:
                self._switch.judge.hear(peer, decode_verdicts(verdicts), now)
            except MalformedFrame:
                self._switch.oddities.count("malformed_frames")

    def _broken(self, peer: Peer, asked_ns: int, now: int) -> None:
        """The connection is a new one: answers to what went over the old one have nowhere to come from."""
        if asked_ns >= peer.greeted_ns:
            peer.greeted_ns = now
            self._lose_in_flight(peer, f"the link to {peer.host} broke while it worked on this", now)
            self.greet(peer.rid)

    def _answered(self, peer: Peer, now: int) -> None:
        peer.pong_ns = now
        peer.unanswered_pings = 0
        peer.given_up_ns = 0
        peer.connected = True
        self._clear(peer)
        if peer.health is Health.LEAVING:
            return
        peer.answers = True
        if peer.health is not Health.READY:
            self._judge(peer, Health.READY, "up", now)

    def _another_incarnation(self, peer: Peer, now: int) -> None:
        """Its broker restarted: what the old one had is unknown, and the register will tell of the new one."""
        if peer.answers or peer.health is not Health.SUSPECT:
            peer.answers = False
            self._judge(peer, Health.SUSPECT, "answers as another incarnation", now)
        self._lose_in_flight(peer, f"the broker of {peer.host} restarted while it worked on this", now)

    def ping_round(self, now: int) -> None:
        """Ask every peer for a PONG; three unanswered make it suspect: not chosen, in flight kept."""
        switch = self._switch
        ping = encode(PING, flags=PING_VERDICTS, payload=PING_BODY.pack(switch.incarnation, now))
        for peer in self.peers.values():
            lost = peer.given_up_ns and peer.health is not Health.READY
            if lost and now - peer.given_up_ns >= LINK_AGAIN_AFTER_NS:
                self._link_again(peer, now)
            if peer.connected:
                switch.out.append((OUTBOUND, peer.rid, ping))
            peer.unanswered_pings += 1
            if peer.unanswered_pings > MISSED_PINGS and peer.answers:
                peer.answers = False
                self._judge(peer, Health.SUSPECT, "suspect: no PONG", now)

    def _judge(self, peer: Peer, health: Health, what: str, now: int) -> None:
        peer.health = health
        self._switch.picture_version += 1
        self._rebuild_pools(peer, now)
        self._switch.events.append(LinkChanged(peer.host, what))

    def _rebuild_pools(self, peer: Peer, now: int) -> None:
        for pool in {id(pool): pool for pool, _ in peer.instances.values()}.values():
            self._switch.changed(pool, now)

    def _lose_in_flight(self, peer: Peer, why: str, now: int) -> None:
        switch = self._switch
        lost = {
            id(request.target): request.target
            for request in switch.requests.values()
            if isinstance(request.target, RemoteInstance) and request.target.peer is peer
        }
        switch.lose_requests_of(lost.values(), why, now)
