"""An operator's wish where alone a request may be executed: kept, or the caller is told that nobody can keep it."""

from __future__ import annotations

import pytest

from h2o_broker.links import Links
from h2o_broker.members import Admission
from h2o_broker.roster import Roster
from h2o_broker.routing import SETTLING_NS
from h2o_broker.switch import Switch
from h2o_core.control.settings import NewVersions
from h2o_core.envelope import (
    REQUEST,
    REQUEST_EXACT,
    Frame,
    RequestRoute,
    RouteWish,
    decode,
    decode_request_route,
    decode_wish,
    encode,
    encode_request_route,
    encode_wish,
    types_hash,
    with_route,
)
from h2o_core.errors import Code
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Hello
from h2o_core.znodes.packages import FeatureSpec, package_version

FEATURE = "/service/customer/retrieve"
TYPES = types_hash("t.Request", "t.Reply")
OWN = 0xAAAA
NOW = SETTLING_NS * 2


class Host:
    """host-1's switch with i1 and i2 of 1.0.0 and i3 of 2.0.0, one slot each; 2.0.0 has no traffic."""

    def __init__(self) -> None:
        self.switch = Switch("host-1", OWN, lambda: 0.0)
        self.switch.new_versions = NewVersions.HOLD
        self.roster = Roster(self.switch, "a", "t")
        for order, version in enumerate(("1.0.0", "2.0.0"), start=1):
            spec = package_version("/service/customer", version, [FeatureSpec(FEATURE, "t.Request", "t.Reply")], b"")
            self.roster.pool_of(spec).order[version] = order
            for instance in {"1.0.0": ["i1", "i2"], "2.0.0": ["i3"]}[version]:
                self.roster.admit(instance.encode(), 1, instance, spec, Admission(1, 1, "", 0.0), NOW)
        self.switch.take()
        self.serial = 0

    def ask(self, wish: RouteWish, client: bytes = b"client") -> Frame:
        """What the switch sends for it: the request to an instance, or the answer."""
        self.serial += 1
        frame = encode(REQUEST, correlation=self.serial, remaining_ms=1000, types=TYPES, name=FEATURE.encode())
        self.switch.on_local(client, with_route(frame, encode_wish(wish)), NOW)
        ((_, _, sent),) = self.switch.take()
        return decode(sent)

    def peer_asks(self, instance: str, flags: int) -> Frame | None:
        """The same from host-2's broker; None: it waits."""
        hello = Hello(wire=1, host="host-2", incarnation=7).SerializeToString()
        self.serial += 1
        route = encode_request_route(RequestRoute(OWN, "1.0.0", instance, "/api/x", "1", "z"))
        frame = encode(
            REQUEST,
            flags=flags,
            correlation=self.serial,
            remaining_ms=1000,
            types=TYPES,
            route=route,
            name=FEATURE.encode(),
        )

        Links(self.switch, "a", "t", "k" * 40).inbound.on_frame(b"peer", encode(1, payload=hello), NOW)
        self.switch.take()
        self.switch.on_inbound(b"peer", frame, NOW)
        sent = self.switch.take()
        return decode(sent[0][2]) if sent else None


def served(frame: Frame) -> str:
    assert frame.type == REQUEST, Failure.FromString(frame.payload).message
    return decode_request_route(frame.route).instance


def test_an_instance_is_meant_and_no_other():
    host = Host()
    assert served(host.ask(RouteWish(instance="i2"))) == "i2"
    full = host.ask(RouteWish(instance="i2"))
    assert full.code == Code.OVERLOADED
    assert "instance i2" in Failure.FromString(full.payload).message


def test_a_version_without_traffic_can_be_tried():
    assert served(Host().ask(RouteWish(version="2.0.0"))) == "i3"


def test_where_nobody_is_the_sentence_says_what_was_wanted():
    answer = Host().ask(RouteWish(host="host-9", version="2.0.0"))
    assert answer.code == Code.NO_ROUTE
    assert "host host-9 version 2.0.0" in Failure.FromString(answer.payload).message


def test_a_package_may_not_choose():
    host = Host()
    spec = package_version("/api/web", "1.0", [FeatureSpec("/api/web/do", "t.Request", "t.Reply")], b"")
    host.roster.admit(b"web", 1, "web", spec, Admission(1, 1, "", 0.0), NOW)
    host.switch.take()
    answer = host.ask(RouteWish(version="2.0.0"), client=b"web")
    assert answer.code == Code.FORBIDDEN
    assert "a package may not choose" in Failure.FromString(answer.payload).message


@pytest.mark.parametrize(("flags", "elsewhere"), [(REQUEST_EXACT, False), (0, True)])
def test_at_the_destination_a_full_instance_gives_way_only_when_it_may(flags: int, elsewhere: bool):
    host = Host()
    first = host.peer_asks("i1", flags)
    assert first is not None
    assert served(first) == "i1"
    second = host.peer_asks("i1", flags)
    assert second is not None
    assert (second.type == REQUEST) is elsewhere


def test_a_wish_survives_the_frame():
    wish = RouteWish("host-3", "2.0.0", "")
    frame = decode(with_route(encode(REQUEST, name=b"/a/b/c", payload=b"p"), encode_wish(wish)))
    assert decode_wish(frame.route) == wish
    assert (frame.name, frame.payload) == (b"/a/b/c", b"p")
    assert encode_wish(RouteWish()) == b""
