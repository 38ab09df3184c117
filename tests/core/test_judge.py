"""Ejection at a destination, and what an origin makes of the verdicts that it hears."""

from __future__ import annotations

import pytest

from h2o_broker.members import LocalInstance, RemoteInstance
from h2o_broker.reasons import why_not
from h2o_broker.telemetry import FeatureCounter
from h2o_core.control.traffic import Traffic
from h2o_core.ejection import Event, State
from h2o_core.envelope import (
    ANSWER,
    HEARTBEAT,
    HELLO,
    PING,
    PING_BODY,
    PING_VERDICTS,
    PONG,
    REFUSED,
    REQUEST,
    Frame,
    InstanceVerdict,
    MalformedFrame,
    RequestRoute,
    RouteWish,
    decode,
    decode_answer_route,
    decode_verdicts,
    encode,
    encode_answer_route,
    encode_answer_route_tail,
    encode_request_route,
    encode_verdicts,
)
from h2o_core.errors import Code
from h2o_core.health import Verdict
from h2o_core.pb.registration_pb2 import Check, Heartbeat, Hello
from tests.support.switches import FEATURE, NOW, OWN, PACKAGE, TYPES, Broker, decide_traffic, served

S = 1_000_000_000
V = "1.0.0"
PEER = b"peer-in"


class Judged(Broker):
    """A broker whose instances answer as they are told, and to which host-9 sends requests for a certain one."""

    def local(self, name: str) -> LocalInstance:
        return self.switch.instances[name.encode()]

    def remote(self, name: str) -> RemoteInstance:
        return next(peer.instances[name][1] for peer in self.links.peers.values() if name in peer.instances)

    def asks(self, instance: str, attempt: int = 0) -> list[tuple[int, bytes, Frame]]:
        """host-9 sends a request for *instance*: what goes out for it."""
        if PEER not in self.switch.inbound:
            hello = Hello(wire=1, host="host-9", incarnation=9).SerializeToString()
            self.links.inbound.on_frame(PEER, encode(HELLO, payload=hello), NOW)
            self.switch.take()
        self.serial += 1
        route = encode_request_route(RequestRoute(OWN, V, instance, "/api/x", "1", "z"))
        frame = encode(
            REQUEST,
            code=attempt,
            correlation=self.serial,
            remaining_ms=1000,
            types=TYPES,
            route=route,
            name=FEATURE.encode(),
        )
        self.switch.on_inbound(PEER, frame, NOW)
        return [(port, rid, decode(raw)) for port, rid, raw in self.switch.take()]

    def answers(self, instance: str, code: int, now: int = NOW) -> Frame:
        """host-9 asks *instance*, which ends it with *code*: the answer that host-9 gets."""
        ((_, rid, asked),) = self.asks(instance)
        assert rid == instance.encode()
        self.switch.on_local(rid, encode(ANSWER, code=code, correlation=asked.correlation), now)
        ((_, _, answer),) = self.switch.take()
        return decode(answer)

    def hears(self, host: str, *told: InstanceVerdict) -> None:
        """A PONG of *host*'s broker."""
        peer = self.links.peers[host]
        body = PING_BODY.pack(peer.incarnation, NOW) + encode_verdicts(told)
        self.switch.on_outbound(peer.rid, encode(PONG, payload=body), NOW)

    def tells(self, *, asked: bool = True) -> list[InstanceVerdict]:
        """What a PONG of this broker says."""
        ping = encode(PING, flags=PING_VERDICTS if asked else 0, payload=PING_BODY.pack(9, NOW))
        self.switch.on_inbound(PEER, ping, NOW)
        ((_, _, pong),) = self.switch.take()
        return decode_verdicts(decode(pong).payload[PING_BODY.size :])

    def reached(self) -> set[str]:
        return {one.id for one in self.pool.candidates}


@pytest.fixture
def broker() -> Judged:
    made = Judged()
    made.switch.rare = lambda _port, rid, frame, now: (
        made.links.on_outbound(rid, frame, now)
        if made.links.peers and any(one.rid == rid for one in made.links.peers.values())
        else made.roster.on_frame(rid, frame, now)
        if rid in made.switch.instances
        else made.links.inbound.on_frame(rid, frame, now)
    )
    for name in ("a", "b", "c"):
        made.here(name, V)
    return made


def test_five_failures_and_it_is_out_with_the_verdict_on_that_answer(broker: Judged) -> None:
    stamps = [decode_answer_route(broker.answers("a", Code.INTERNAL).route).verdict for _ in range(5)]
    assert stamps == [0, 0, 0, 0, Verdict.EJECTED]
    assert broker.reached() == {"b", "c"}
    assert broker.local("a").standing.reason == "5 requests in a row failed"
    ((_, rid, _),) = broker.asks("a")
    assert rid in {b"b", b"c"}, "the destination takes another that is fit"
    assert broker.switch.oddities.counts["ejections"] == 1


@pytest.mark.parametrize("code", [Code.APPLICATION, Code.BAD_REQUEST, Code.OVERLOADED, Code.CANCELLED])
def test_what_an_author_declared_or_a_caller_did_wrong_ejects_nobody(broker: Judged, code: Code) -> None:
    for _ in range(9):
        broker.answers("a", code)
    assert broker.local("a").verdict is Verdict.OK


def test_requests_that_time_out_there_eject_it(broker: Judged) -> None:
    for _ in range(5):
        broker.asks("a")
    broker.switch.expire(NOW + 2 * S)
    assert broker.local("a").verdict is Verdict.EJECTED


def test_time_outs_of_one_that_does_not_speak_are_suspicion_s_matter(broker: Judged) -> None:
    for _ in range(9):
        broker.asks("a")
    for _ in range(2):
        broker.roster.ping_round(NOW)
    broker.switch.expire(NOW + 2 * S)
    assert broker.local("a").verdict is Verdict.OK


def test_a_third_may_be_out_and_the_next_one_is_held_back(broker: Judged) -> None:
    for name in "a" * 5 + "b" * 6:
        broker.answers(name, Code.INTERNAL)
    assert [broker.local(name).verdict for name in "abc"] == [Verdict.EJECTED, Verdict.OK, Verdict.OK]
    assert broker.switch.oddities.counts["ejections_held_back"] == 2


def test_a_low_share_among_better_ones_is_out(broker: Judged) -> None:
    for code in (Code.INTERNAL, Code.OK, Code.OK) * 8:
        broker.answers("a", code)
    broker.switch.judge.tick(NOW + S)
    assert broker.local("a").verdict is Verdict.EJECTED
    assert broker.local("a").standing.reason == "67% of 24 requests in 10 s succeeded, the pool's median is 100%"


def test_what_all_suffer_from_is_nobody_s_fault(broker: Judged) -> None:
    broker.there("host-2", "far", V)
    broker.hears("host-2", InstanceVerdict("far", 0, 60))
    for name in ("a", "b"):
        for code in (Code.INTERNAL, Code.OK, Code.OK) * 8:
            broker.answers(name, code)
    broker.switch.judge.tick(NOW + S)
    assert [broker.local(name).verdict for name in "ab"] == [Verdict.OK, Verdict.OK]


def test_back_through_one_probe_which_a_client_of_any_host_may_send(broker: Judged) -> None:
    for _ in range(5):
        broker.answers("a", Code.INTERNAL)
    standing = broker.local("a").standing
    broker.switch.judge.tick(standing.due_ns)
    assert broker.local("a").verdict is Verdict.PROBING
    probe = broker.sends()
    assert (served(probe), standing.state) == ("a", State.PROBING)
    assert {served(broker.sends()) for _ in range(20)} == {"b", "c"}
    broker.switch.on_local(b"a", encode(ANSWER, correlation=probe.correlation), NOW)
    assert (broker.local("a").verdict, broker.reached()) == (Verdict.OK, {"a", "b", "c"})


def test_a_probe_from_another_host_is_taken_once(broker: Judged) -> None:
    for _ in range(5):
        broker.answers("a", Code.INTERNAL)
    broker.switch.judge.tick(broker.local("a").standing.due_ns)
    assert broker.tells() == [InstanceVerdict("a", Verdict.PROBING, 255)]
    ((_, first, probe),) = broker.asks("a")
    ((_, second, _),) = broker.asks("a")
    assert (first, second == b"a") == (b"a", False)
    broker.switch.on_local(b"a", encode(ANSWER, code=Code.INTERNAL, correlation=probe.correlation), NOW)
    assert (broker.local("a").verdict, broker.local("a").standing.times) == (Verdict.EJECTED, 2)


def test_an_operator_who_names_an_ejected_instance_gets_it(broker: Judged) -> None:
    for _ in range(5):
        broker.answers("a", Code.INTERNAL)
    assert served(broker.sends(wish=RouteWish(instance="a"))) == "a"
    assert {served(broker.sends(wish=RouteWish(host="host-1"))) for _ in range(20)} == {"b", "c"}


def test_who_has_only_ejected_ones_refuses_once_and_serves_who_comes_again() -> None:
    made = Judged()
    made.switch.rare = lambda _port, rid, frame, now: made.links.on_outbound(rid, frame, now)
    made.here("a", V)
    for name in ("x", "y"):
        made.there("host-2", name, V)
    for _ in range(5):
        made.answers("a", Code.INTERNAL)
    ((_, _, refused),) = made.asks("a")
    assert (refused.type, refused.code) == (REFUSED, Code.UNAVAILABLE)
    ((_, rid, _),) = made.asks("a", attempt=1)
    assert rid == b"a", "its origin knows nobody else"


def test_what_waits_for_the_last_fit_one_moves_on_when_it_is_out() -> None:
    made = Judged()
    made.switch.rare = lambda _port, rid, frame, now: made.links.on_outbound(rid, frame, now)
    made.here("a", V, slots=5)
    for name in ("x", "y"):
        made.there("host-2", name, V)
    asked = [made.asks("a")[0][2].correlation for _ in range(5)]
    assert made.asks("a") == [], "it waits"
    for correlation in asked:
        made.switch.on_local(b"a", encode(ANSWER, code=Code.INTERNAL, correlation=correlation), NOW)
        # each slot that comes free starts what waits, until there is nothing fit to start it
    kinds = [decode(raw).type for _, _, raw in made.switch.take()]
    assert kinds.count(ANSWER) == 5


# ---------------------------------------------------------------------- what is heard of others


def test_another_broker_s_verdicts_are_heeded_until_its_next_pong_says_nothing_of_them(broker: Judged) -> None:
    broker.there("host-2", "far", V)
    broker.hears("host-2", InstanceVerdict("far", Verdict.EJECTED, 20), InstanceVerdict("unknown", 1, 0))
    assert broker.reached() == {"a", "b", "c"}
    assert broker.remote("far").share == 0.2
    broker.hears("host-2")
    assert broker.reached() == {"a", "b", "c", "far"}
    assert broker.remote("far").share == 1.0


def test_an_answer_s_stamp_is_heeded_at_once(broker: Judged) -> None:
    broker.there("host-2", "far", V)
    peer = broker.links.peers["host-2"]
    frame = broker.sends(wish=RouteWish(host="host-2"))
    route = encode_answer_route(OWN, 0, 0, 64, Verdict.EJECTED, encode_answer_route_tail(V, "far", "host-2"))
    broker.switch.on_outbound(peer.rid, encode(ANSWER, correlation=frame.correlation, route=route), NOW)
    assert broker.reached() == {"a", "b", "c"}


def test_a_probe_is_offered_once_for_each_time_that_it_is_heard_of(broker: Judged) -> None:
    broker.there("host-2", "far", V)
    broker.hears("host-2", InstanceVerdict("far", Verdict.PROBING, 255))
    assert [served(broker.sends()) == "far" for _ in range(3)] == [True, False, False]
    broker.switch.judge.tick(NOW + S)
    assert [served(broker.sends()) == "far" for _ in range(3)] == [True, False, False]


def test_two_brokers_that_eject_at_once_leave_out_no_more_than_may_be_and_one_takes_its_own_back() -> None:
    made = Judged()
    made.switch.rare = lambda _port, rid, frame, now: made.links.on_outbound(rid, frame, now)
    made.here("b", V)
    made.there("host-2", "a", V)
    made.there("host-2", "c", V)
    for _ in range(5):
        made.answers("b", Code.INTERNAL)
    assert made.reached() == {"a", "c"}
    made.hears("host-2", InstanceVerdict("a", Verdict.EJECTED, 0))
    assert made.reached() == {"b", "c"}, "one of three, the first by id"
    made.switch.judge.tick(NOW)
    assert (made.local("b").verdict, made.local("b").standing.times) == (Verdict.OK, 0)


def test_only_the_version_of_a_request_has_its_probe(broker: Judged) -> None:
    for name in ("n1", "n2", "n3"):
        broker.here(name, "2.0.0")
    decide_traffic(broker.switch, PACKAGE, Traffic(PACKAGE, V, ((V, 10_000), ("2.0.0", 0))), NOW)
    broker.local("n1").standing.handle(Event.EJECT, NOW)
    broker.switch.judge.tick(NOW)
    broker.switch.judge.tick(broker.local("n1").standing.due_ns)
    assert broker.local("n1").verdict is Verdict.PROBING
    assert {served(broker.sends()) for _ in range(20)} == {"a", "b", "c"}


# ---------------------------------------------------------------------- checks and panic


def beats(broker: Judged, name: str, status: Check.Status, severity: Check.Severity = Check.Severity.PAGE) -> None:
    beat = Heartbeat(checks=[Check(name="store", status=status, severity=severity, output="no disk")])
    broker.switch.on_local(name.encode(), encode(HEARTBEAT, payload=beat.SerializeToString()), NOW)


def test_two_heartbeats_with_a_failing_check_of_severity_page(broker: Judged) -> None:
    beats(broker, "a", Check.Status.FAIL)
    assert broker.local("a").verdict is Verdict.OK
    beats(broker, "a", Check.Status.FAIL)
    assert (broker.local("a").verdict, broker.reached()) == (Verdict.CHECK_FAILING, {"b", "c"})
    assert broker.tells() == [InstanceVerdict("a", Verdict.CHECK_FAILING, 255)]
    beats(broker, "a", Check.Status.PASS)
    assert broker.reached() == {"a", "b", "c"}
    for _ in range(3):
        beats(broker, "b", Check.Status.FAIL, Check.Severity.TICKET)
    assert broker.local("b").verdict is Verdict.OK


def test_when_most_are_unwell_health_is_ignored_and_counted_once(broker: Judged) -> None:
    for name in ("a", "b"):
        for _ in range(2):
            beats(broker, name, Check.Status.FAIL)
    assert broker.reached() == {"a", "b", "c"}
    fit = broker.pool.fits[V]
    assert (fit.healthy, fit.total, fit.panic, broker.pool.panics) == (1, 3, True, {V: 1})
    ((_, rid, _),) = broker.asks("a")
    assert rid == b"a", "its destination ignores it as well"
    beats(broker, "a", Check.Status.PASS)
    assert (broker.reached(), broker.pool.panicking) == ({"a", "c"}, set())


def test_a_heartbeat_that_does_not_parse_says_nothing(broker: Judged) -> None:
    broker.switch.on_local(b"a", encode(HEARTBEAT, payload=b"\xff"), NOW)
    assert (broker.local("a").verdict, broker.switch.oddities.counts["malformed_heartbeats"]) == (Verdict.OK, 1)


# ---------------------------------------------------------------------- what is said of it


def says(broker: Judged, member: LocalInstance | RemoteInstance) -> str:
    return why_not(broker.switch, broker.pool, member)


def test_why_an_instance_gets_nothing_or_something_in_spite_of_it(broker: Judged) -> None:
    broker.there("host-2", "far", V)
    for _ in range(5):
        broker.answers("a", Code.INTERNAL)
    assert says(broker, broker.local("a")) == "ejected: 5 requests in a row failed"
    broker.switch.judge.tick(broker.local("a").standing.due_ns)
    waits = "ejected, and waits for one request that shows that it is well: 5 requests in a row failed"
    assert says(broker, broker.local("a")) == waits
    probe = broker.sends()
    broker.switch.on_local(b"a", encode(ANSWER, code=Code.INTERNAL, correlation=probe.correlation), NOW)
    assert says(broker, broker.local("a")) == "ejected 2 times in a row: 5 requests in a row failed"
    broker.switch.take()
    for _ in range(2):
        beats(broker, "b", Check.Status.FAIL)
    assert says(broker, broker.local("b")) == "its check 'store' fails: no disk"
    broker.hears("host-2", InstanceVerdict("far", Verdict.CHECK_FAILING, 255))
    spite = "in spite of this, as only 1 of 4 are healthy: "
    assert says(broker, broker.remote("far")) == f"{spite}one of its checks fails"
    assert says(broker, broker.local("c")) == ""


# ---------------------------------------------------------------------- callers that can't wait


def times_out(broker: Judged, instance: str, after_ms: int, times: int = 5) -> None:
    """host-9 asks *instance* so often, and it says each time, so much later, that the time was over."""
    for _ in range(times):
        broker.answers(instance, Code.TIMEOUT, NOW + after_ms * S // 1000)


def test_time_outs_of_a_caller_that_gives_less_than_is_usual_eject_nobody(broker: Judged) -> None:
    for _ in range(20):
        broker.answers("a", Code.OK, NOW + S // 50)
    times_out(broker, "a", after_ms=5, times=20)
    assert broker.local("a").verdict is Verdict.OK
    times_out(broker, "a", after_ms=30)
    assert broker.local("a").verdict is Verdict.EJECTED, "these had more than the 20 ms that it takes usually"


def test_time_outs_count_where_nothing_is_known_of_the_time_it_takes(broker: Judged) -> None:
    for _ in range(10):
        broker.answers("a", Code.OK, NOW + S // 50)
    times_out(broker, "a", after_ms=5)
    assert broker.local("a").verdict is Verdict.EJECTED


def test_who_gave_a_second_has_waited_long_enough_whatever_is_usual(broker: Judged) -> None:
    for _ in range(20):
        broker.answers("a", Code.OK, NOW + 3 * S)
    times_out(broker, "a", after_ms=999)
    assert broker.local("a").verdict is Verdict.OK
    times_out(broker, "a", after_ms=1000)
    assert broker.local("a").verdict is Verdict.EJECTED


def test_what_its_author_declares_is_usual() -> None:
    counter = FeatureCounter(TYPES, upper95_ms=40.0)
    for _ in range(100):
        counter.times.record(S)
    assert counter.usual_ns() == 40e6


def test_the_sketch_is_read_again_once_there_is_a_tenth_more_in_it() -> None:
    counter = FeatureCounter(TYPES)
    for _ in range(20):
        counter.times.record(S)
    first = counter.usual_ns()
    for _ in range(2):
        counter.times.record(9 * S)
    assert counter.usual_ns() > first > 0


# ---------------------------------------------------------------------- on the wire


def test_a_pong_tells_of_who_is_not_ok_or_below_95_per_cent_and_only_who_asks(broker: Judged) -> None:
    broker.asks("a")
    for code in [Code.OK] * 18 + [Code.INTERNAL] * 2:
        broker.answers("b", code)
    for _ in range(20):
        broker.answers("c", Code.OK)
    broker.switch.judge.tick(NOW + S)
    assert broker.tells() == [InstanceVerdict("b", 0, 90)]
    assert broker.tells(asked=False) == []


@pytest.mark.parametrize(
    "data", [b"\x01", b"\x01a", b"\x01a\x00", b"\x05a", b"\x01\xff\x00\x00", b"\x01a\x00\x00" * 257]
)
def test_verdicts_that_are_none(broker: Judged, data: bytes) -> None:
    with pytest.raises(MalformedFrame):
        decode_verdicts(data)
    broker.there("host-2", "far", V)
    peer = broker.links.peers["host-2"]
    pong = encode(PONG, payload=PING_BODY.pack(peer.incarnation, NOW) + data)
    broker.switch.on_outbound(peer.rid, pong, NOW)
    assert broker.switch.oddities.counts["malformed_frames"] == 1
    assert broker.reached() == {"a", "b", "c", "far"}
