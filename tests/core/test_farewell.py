"""A broker that leaves says so to the others: they send it nothing more, and its end is no expired session to them."""

from __future__ import annotations

import random

import pytest

from h2o_broker.links import LEAVING, MISSED_PINGS, Links
from h2o_broker.members import Health, Peer, Pool
from h2o_broker.requests import INBOUND
from h2o_broker.roster import PING_EVERY_NS
from h2o_broker.switch import Switch
from h2o_core.envelope import HELLO, PING_BODY, PONG, WELCOME, WIRE, decode, encode
from h2o_core.pb.registration_pb2 import Hello, Welcome
from h2o_core.znodes.live import LiveHost, LiveInstance

INSTANCE = LiveInstance("i1", "/service/echo", "1.0", "d", 4, 1.0, 1)
LIVE = LiveHost("host-2", "b", "127.0.0.1:1", "k" * 40, 7, "m", WIRE)


@pytest.fixture
def links() -> Links:
    """Of host-1, to host-2, which serves."""
    made = Links(Switch("host-1", 5, random.Random(1).random), "a", "t", "k" * 40)
    made.host_up(LIVE)
    made.instances.up("host-2", INSTANCE, Pool("/service/echo"), 1)
    welcome = Welcome(wire=WIRE, host="host-2", incarnation=7, fleet="t").SerializeToString()
    made.on_outbound(made.peers["host-2"].rid, encode(WELCOME, payload=welcome), 1)
    return made


def pong(peer: Peer, links: Links, flags: int = 0) -> None:
    links.on_outbound(peer.rid, encode(PONG, flags=flags, payload=PING_BODY.pack(7, 0)), 2)


def test_who_leaves_gets_nothing_more_and_does_not_answer(links: Links):
    peer = links.peers["host-2"]
    pool, instance = peer.instances["i1"]
    assert list(pool.candidates) == [instance]
    pong(peer, links, LEAVING)
    assert (peer.health, peer.answers, list(pool.candidates)) == (Health.LEAVING, False, [])


def test_a_late_pong_takes_no_goodbye_back(links: Links):
    peer = links.peers["host-2"]
    pong(peer, links, LEAVING)
    pong(peer, links)
    for _ in range(MISSED_PINGS + 2):
        links.ping_round(PING_EVERY_NS)
    pong(peer, links)
    assert (peer.health, peer.answers) == (Health.LEAVING, False)


def test_every_greeted_broker_is_told():
    switch = Switch("host-2", 7, random.Random(1).random)
    leaving = Links(switch, "b", "t", "k" * 40)
    for host in ("host-1", "host-3"):
        hello = Hello(wire=WIRE, host=host, incarnation=1).SerializeToString()
        leaving.inbound.on_frame(host.encode(), encode(HELLO, payload=hello), 1)
    switch.take()
    leaving.inbound.farewell()
    told = [(port, rid, decode(frame)) for port, rid, frame in switch.take()]
    assert [(port, rid) for port, rid, _ in told] == [(INBOUND, b"host-1"), (INBOUND, b"host-3")]
    assert {(frame.type, frame.flags, frame.payload[:8]) for _, _, frame in told} == {
        (PONG, LEAVING, (7).to_bytes(8, "big"))
    }
