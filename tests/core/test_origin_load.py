"""What requests of this host's clients tell of instances: each ending, on the instance that really served."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from h2o_broker.links import Links
from h2o_broker.members import Admission, LocalInstance, RemoteInstance
from h2o_broker.roster import Roster
from h2o_broker.switch import Switch
from h2o_core.choice import ELSEWHERE, OWN_HOST, OWN_ZONE
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HELLO,
    REFUSED,
    REQUEST,
    WELCOME,
    WIRE,
    RequestRoute,
    decode,
    encode,
    encode_answer_route,
    encode_answer_route_tail,
    encode_request_route,
    types_hash,
)
from h2o_core.errors import Code
from h2o_core.load import Load
from h2o_core.pb.registration_pb2 import Hello, Welcome
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, package_version

FEATURE = b"/service/customer/retrieve"
TYPES = types_hash("t.Request", "t.Reply")
SPEC = package_version("/service/customer", "1.0.0", [FeatureSpec(FEATURE.decode(), "t.Request", "t.Reply")], b"")
OWN, THEIRS = 5, 7
MS = 1_000_000
START = 100_000 * MS


class Told(Load):
    """Remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(START, 10 * MS)
        self.endings: list[tuple[int, Code]] = []

    def learn(self, latency_ns: int, code: int, now: int) -> None:
        super().learn(latency_ns, code, now)
        self.endings.append((latency_ns // MS, Code(code)))


class Fleet:
    """host-1, which is tested, and host-2, of which it knows instances."""

    def __init__(self) -> None:
        self.now = START
        self.switch = Switch("host-1", OWN, random.Random(3).random)
        self.roster = Roster(self.switch, "a", "t")
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.switch.rare = lambda _, rid, frame, now: self.links.on_outbound(rid, frame, now)
        self.pool = self.roster.pool_of(SPEC)
        self.pool.order["1.0.0"] = 1
        self.correlation = 0

    def here(self, name: str, slots: int = 1) -> LocalInstance:
        self.roster.admit(name.encode(), 1, name, SPEC, Admission(slots, 1, "", 0.0), self.now)
        return self.switch.instances[name.encode()]

    def there(self, *names: str, zone: str = "b") -> list[RemoteInstance]:
        self.links.host_up(LiveHost("host-2", zone, "127.0.0.1:1", "k" * 40, THEIRS, "m", WIRE))
        peer = self.links.peers["host-2"]
        for name in names:
            live = LiveInstance(name, SPEC.package, "1.0.0", "d", 2, 0.0, 1)
            self.links.instances.up("host-2", live, self.pool, self.now)
        welcome = Welcome(wire=WIRE, host="host-2", incarnation=THEIRS, fleet="t").SerializeToString()
        self.switch.on_outbound(peer.rid, encode(WELCOME, payload=welcome), self.now)
        return [instance for _, instance in peer.instances.values()]

    def told(self, *instances: LocalInstance | RemoteInstance) -> list[Told]:
        loads = [Told() for _ in instances]
        for instance, load in zip(instances, loads, strict=True):
            instance.load = load
        return loads

    def ask(self, remaining_ms: int = 900) -> int:
        """A client's request; returns what the broker calls it from there on."""
        self.switch.take()
        self.correlation += 1
        frame = encode(REQUEST, correlation=self.correlation, remaining_ms=remaining_ms, types=TYPES, name=FEATURE)
        self.switch.on_local(b"client", frame, self.now)
        return next((decode(raw).correlation for _, _, raw in self.switch.take() if raw[1] == REQUEST), 0)

    def answer(self, request: int, *, after_ms: int, by: str = "", code: int = 0, kind: int = ANSWER) -> None:
        """host-2 says what came of it."""
        self.now += after_ms * MS
        tail = encode_answer_route_tail("1.0.0" if by else "", by, "host-2")
        route = encode_answer_route(OWN, 1, 0, 2, 0, tail)
        rid = self.links.peers["host-2"].rid
        self.switch.on_outbound(rid, encode(kind, code=code, correlation=request, route=route), self.now)


def test_an_answer_tells_of_the_instance_that_served() -> None:
    fleet = Fleet()
    one, other = instances = fleet.there("one", "other")
    loads = dict(zip(("one", "other"), fleet.told(*instances), strict=True))
    other.pending = 9
    for _ in range(2):
        fleet.answer(fleet.ask(), after_ms=20, by="one")
        fleet.answer(fleet.ask(), after_ms=30, by="other", code=Code.INTERNAL)
    assert loads["one"].endings == [(20, Code.OK)] * 2
    assert loads["other"].endings == [(30, Code.INTERNAL)] * 2
    assert one.pending == 0


@pytest.mark.parametrize("by", ["", "one that is gone"])
def test_where_nobody_is_known_to_have_served_the_chosen_one_is_told_of(by: str) -> None:
    fleet = Fleet()
    (load,) = fleet.told(*fleet.there("one"))
    fleet.answer(fleet.ask(), after_ms=20, by=by, code=Code.TIMEOUT)
    assert load.endings == [(20, Code.TIMEOUT)]


def test_a_torn_tail_is_counted_and_the_chosen_one_told_of() -> None:
    fleet = Fleet()
    (load,) = fleet.told(*fleet.there("one"))
    route = encode_answer_route(OWN, 1, 0, 2, 0, b"\x09x")
    rid = fleet.links.peers["host-2"].rid
    fleet.switch.on_outbound(rid, encode(ANSWER, correlation=fleet.ask(), route=route), fleet.now)
    assert load.endings == [(0, Code.OK)]
    assert fleet.switch.oddities.counts["malformed_frames"] == 1


def test_an_instance_that_is_gone_is_told_of_no_more() -> None:
    fleet = Fleet()
    one, other = fleet.told(*fleet.there("one", "other"))
    fleet.answer(fleet.ask(), after_ms=1, by="one")
    request = fleet.ask()
    fleet.links.instances.down("host-2", "one", fleet.now)
    fleet.answer(request, after_ms=1, by="one")
    assert len(one.endings) + len(other.endings) == 2
    assert not fleet.links.peers["host-2"].servers


def expires(fleet: Fleet, _: int) -> None:
    fleet.now += 2000 * MS
    fleet.switch.expire(fleet.now)


def peer_restarts(fleet: Fleet, _: int) -> None:
    fleet.now += 5 * MS
    fleet.links.host_down("host-2", fleet.now)


def client_cancels(fleet: Fleet, _: int) -> None:
    fleet.now += 5 * MS
    fleet.switch.on_local(b"client", encode(CANCEL, correlation=fleet.correlation), fleet.now)


def peer_refuses(fleet: Fleet, request: int) -> None:
    fleet.answer(request, after_ms=5, code=Code.OVERLOADED, kind=REFUSED)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        (expires, (2000, Code.TIMEOUT)),
        (peer_restarts, (5, Code.OUTCOME_UNKNOWN)),
        (client_cancels, (5, Code.CANCELLED)),
        (peer_refuses, (5, Code.OVERLOADED)),
    ],
)
def test_other_endings_tell_of_the_instance_that_had_it(
    ending: Callable[[Fleet, int], None], told: tuple[int, Code]
) -> None:
    fleet = Fleet()
    (load,) = fleet.told(*fleet.there("one"))
    ending(fleet, fleet.ask())
    assert load.endings == [told]


def test_a_request_that_is_routed_again_counts_from_its_second_start() -> None:
    fleet = Fleet()
    near, (far,) = fleet.here("here", slots=8), fleet.there("one")
    near_load, far_load = fleet.told(near, far)
    near.pending = 5
    request = fleet.ask()
    fleet.answer(request, after_ms=40, code=Code.OVERLOADED, kind=REFUSED)
    fleet.now += 3 * MS
    fleet.switch.on_local(b"here", encode(ANSWER, correlation=request), fleet.now)
    assert far_load.endings == [(40, Code.OVERLOADED)]
    assert near_load.endings == [(3, Code.OK)]


def test_this_host_s_instances_are_told_of_by_its_own_clients_alone() -> None:
    fleet = Fleet()
    instance = fleet.here("here", slots=2)
    (load,) = fleet.told(instance)
    request = fleet.ask()
    hello = Hello(wire=WIRE, host="host-2", incarnation=THEIRS).SerializeToString()
    fleet.links.inbound.on_frame(b"in", encode(HELLO, payload=hello), fleet.now)
    route = encode_request_route(RequestRoute(OWN, "1.0.0", "here", "/api/x", "1", "z"))
    theirs = encode(REQUEST, correlation=4, remaining_ms=900, types=TYPES, route=route, name=FEATURE)
    fleet.switch.take()
    fleet.switch.on_inbound(b"in", theirs, fleet.now)
    ((_, _, onward),) = fleet.switch.take()
    fleet.now += 8 * MS
    for correlation in (request, decode(onward).correlation):
        fleet.switch.on_local(b"here", encode(ANSWER, correlation=correlation), fleet.now)
    assert load.endings == [(8, Code.OK)]


def test_a_host_that_is_full_is_held_against_its_own_instance() -> None:
    fleet = Fleet()
    (load,) = fleet.told(fleet.here("here"))
    for _ in range(3):
        fleet.ask()
    assert not load.endings
    fleet.ask()
    assert load.endings == [(0, Code.OVERLOADED)]


def test_one_that_joins_is_taken_for_as_fast_as_those_that_serve() -> None:
    fleet = Fleet()
    first = fleet.here("first")
    assert (first.load.latency_ns(fleet.now), first.since_ns) == (0, START)
    first.load.learn(20 * MS, Code.OK, fleet.now)
    fleet.now += 1000 * MS
    second = fleet.here("second")
    (third,) = fleet.there("third")
    assert second.since_ns == third.since_ns == fleet.now
    for one in (second, third):
        assert one.load.latency_ns(fleet.now) == first.load.latency_ns(fleet.now) > 18 * MS


def test_places_follow_the_register() -> None:
    fleet = Fleet()
    near, (far,) = fleet.here("near"), fleet.there("far")
    assert [len(place.members) for place in fleet.pool.candidates.places] == [1, 1]
    assert (near.place, far.place) == (OWN_HOST, ELSEWHERE)
    before = fleet.pool.candidates
    fleet.links.host_changed(LiveHost("host-2", "a", "127.0.0.1:1", "k" * 40, THEIRS, "m", WIRE), fleet.now)
    assert far.place == OWN_ZONE
    assert fleet.pool.candidates is not before
