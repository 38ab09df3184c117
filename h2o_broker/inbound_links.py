"""Links that other brokers open to this one: greeted, asked by PING, and left when this broker ends. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_broker.callers import Caller, Source
from h2o_broker.members import Health
from h2o_broker.requests import INBOUND
from h2o_core.envelope import HELLO, PING, PING_BODY, PING_VERDICTS, WELCOME, WIRE, Frame, decode, encode
from h2o_core.pb.registration_pb2 import Hello, Welcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_broker.members import Peer
    from h2o_broker.switch import Switch

GREET_AGAIN: Final = 1
"""A flag on PONG: the answerer does not know this link; say HELLO."""
LEAVING: Final = 2
"""A flag on PONG, also without a PING: the answerer is about to end; send it nothing more."""


class InboundLinks:
    """What comes over them besides requests; `Switch.inbound` has the links themselves."""

    def __init__(self, switch: Switch, peers: Mapping[str, Peer], zone: str, fleet: str) -> None:
        """*peers*: the other brokers that the register knows, by host; *zone*, *fleet*: this one's."""
        self._switch = switch
        self._peers = peers
        self._zone = zone
        self._fleet = fleet

    def on_frame(self, rid: bytes, raw: bytes, now: int) -> None:
        """A rare frame over a link that another broker opened."""
        switch = self._switch
        frame = decode(raw)
        if frame.type == HELLO:
            self._hello(rid, frame, now)
        elif frame.type == PING and len(frame.payload) == PING_BODY.size:
            verdicts = switch.judge.told() if frame.flags & PING_VERDICTS else b""
            switch.pong(INBOUND, rid, frame.payload[8:], 0 if rid in switch.inbound else GREET_AGAIN, verdicts)
        else:
            switch.oddities.count("unexpected_frames")

    def _bury_predecessors(self, hello: Hello, rid: bytes, now: int) -> None:
        """Other links of that host: a broker has one to us, nobody is behind them, and no send may ever find out."""
        for source in list(self._switch.inbound.values()):
            if source.caller.package == hello.host and source.rid != rid:
                self._switch.lose_source(source, now)

    def _is_double(self, hello: Hello) -> bool:
        """Another broker under that name is alive: this one has no right to it, whatever the register may say soon."""
        peer = self._peers.get(hello.host)
        return peer is not None and peer.incarnation != hello.incarnation and peer.health is Health.READY

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
        if self._is_double(hello):
            switch.oddities.count("greetings_of_a_double")
            return
        self._bury_predecessors(hello, rid, now)
        if rid not in switch.inbound:
            # The link's own name; who calls is in each request's route block.
            switch.inbound[rid] = Source(INBOUND, rid, Caller(hello.host), hello.incarnation)
        welcome = Welcome(
            wire=WIRE, host=switch.host, zone=self._zone, incarnation=switch.incarnation, fleet=self._fleet
        )
        payload = welcome.SerializeToString()
        switch.out.append((INBOUND, rid, encode(WELCOME, correlation=frame.correlation, payload=payload)))

    def farewell(self) -> None:
        """This broker ends: other brokers are to send it nothing more, whatever the register still says."""
        for rid in self._switch.inbound:
            self._switch.pong(INBOUND, rid, bytes(8), LEAVING)

    def unreachable(self, rid: bytes, now: int) -> None:
        """The socket knows no such peer: the link closed."""
        source = self._switch.inbound.get(rid)
        if source is not None:
            self._switch.lose_source(source, now)
