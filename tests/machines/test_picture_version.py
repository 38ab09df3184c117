"""Whatever the picture shows, its version rises when that changes: agents ask again only then."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.requests import LOCAL
from h2o_broker.roster import PING_EVERY_NS, Roster
from h2o_broker.switch import Switch
from h2o_core.envelope import ANSWER, LEAVE, REQUEST, WELCOME, WIRE, decode, encode, types_hash
from h2o_core.handshakes import LinkNews
from h2o_core.pb.registration_pb2 import Welcome
from h2o_core.znodes.live import LiveHost
from h2o_core.znodes.packages import FeatureSpec, package_version

if TYPE_CHECKING:
    from collections.abc import Callable

SAY = "/service/echo/say"
SPEC = package_version("/service/echo", "1.0.0", [FeatureSpec(SAY, "a", "b")], b"")
LIVE = LiveHost("host-2", "b", "127.0.0.1:1", "k" * 40, 7, "m", WIRE)


class Broker:
    def __init__(self) -> None:
        self.switch = Switch("host-1", 5, random.Random(1).random)
        self.roster = Roster(self.switch, "a", "t")
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.switch.rare = lambda _port, rid, frame, now: self.roster.on_frame(rid, frame, now)

    def link(self) -> None:
        self.links.host_up(LIVE)

    def welcomed(self) -> None:
        welcome = Welcome(wire=WIRE, host="host-2", incarnation=7, fleet="t").SerializeToString()
        self.links.on_outbound(self.links.peers["host-2"].rid, encode(WELCOME, payload=welcome), 1)

    def relabelled(self) -> None:
        self.links.host_changed(LiveHost("host-2", "c", "127.0.0.1:1", "k" * 40, 7, "m", WIRE), 1)

    def silent(self) -> None:
        for _ in range(5):
            self.links.ping_round(PING_EVERY_NS)

    def turned_away(self) -> None:
        self.links.on_news("127.0.0.1:1", LinkNews.REFUSED, 1)

    def unanswered(self) -> None:
        self.links.on_news("127.0.0.1:1", LinkNews.SILENT, 1)

    def gone(self) -> None:
        self.links.host_down("host-2", 1)

    def admitted(self) -> None:
        self.roster.admit(b"i1", 1, "i1", SPEC, Admission(1, 1, "", 0.0), 1)

    def busy(self) -> None:
        self.switch.on_local(
            b"c1", encode(REQUEST, correlation=1, remaining_ms=900, types=types_hash("a", "b"), name=SAY.encode()), 1
        )
        self.held = next(
            decode(frame).correlation
            for port, rid, frame in self.switch.take()
            if (port, rid) == (LOCAL, b"i1") and decode(frame).type == REQUEST
        )

    def leaving(self) -> None:
        self.switch.on_local(b"i1", encode(LEAVE), 1)

    def drained(self) -> None:
        self.switch.on_local(b"i1", encode(ANSWER, correlation=self.held), 1)

    def lost(self) -> None:
        self.roster.unreachable(b"i1", 1)


@pytest.mark.parametrize(
    ("before", "change"),
    [
        ([], Broker.link),
        ([Broker.link], Broker.welcomed),
        ([Broker.link], Broker.relabelled),
        ([Broker.link, Broker.welcomed], Broker.silent),
        ([Broker.link], Broker.turned_away),
        ([Broker.link], Broker.unanswered),
        ([Broker.link, Broker.turned_away], Broker.welcomed),
        ([Broker.link], Broker.gone),
        ([], Broker.admitted),
        ([Broker.admitted, Broker.busy], Broker.leaving),
        ([Broker.admitted, Broker.busy, Broker.leaving], Broker.drained),
        ([Broker.admitted, Broker.busy, Broker.leaving], Broker.lost),
    ],
)
def test_the_version_rises(before: list[Callable[[Broker], None]], change: Callable[[Broker], None]) -> None:
    broker = Broker()
    for step in before:
        step(broker)
    version = broker.switch.picture_version
    change(broker)
    assert broker.switch.picture_version > version
