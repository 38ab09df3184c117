"""Hosts that operators want out of the way: a drained one gets nothing new, an avoided one what is left over."""

from __future__ import annotations

import pytest

from h2o_core.assignment import How
from h2o_core.control.hosts import HostControl, HostState
from h2o_core.control.traffic import Traffic
from h2o_core.ejection import Event
from h2o_core.envelope import (
    ANSWER,
    HELLO,
    REFUSED,
    REQUEST,
    REQUEST_EXACT,
    RequestRoute,
    RouteWish,
    decode,
    encode,
    encode_request_route,
)
from h2o_core.errors import Code
from h2o_core.pb.registration_pb2 import Hello
from tests.support.switches import FEATURE, NOW, OWN, PACKAGE, TYPES, Broker, decide_host, decide_traffic, said, served

OLD, NEW = "1.0.0", "2.0.0"


def control(host: str, state: HostState) -> HostControl:
    return HostControl(host, state, "ann", "new memory")


def put(broker: Broker, host: str, state: HostState | None) -> None:
    decide_host(broker.switch, host, control(host, state) if state is not None else None, NOW)


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.here("here", OLD)
    made.there("host-2", "there", OLD)
    return made


def who(broker: Broker) -> set[str]:
    """Whom requests can reach; a few that are sent reach nobody else."""
    reached = {one.id for one in broker.pool.candidates}
    assert {broker.serves() for _ in range(10)} <= reached
    return reached


@pytest.mark.parametrize("state", HostState)
@pytest.mark.parametrize(("host", "left"), [("host-1", "there"), ("host-2", "here")])
def test_a_host_out_of_the_way_gets_nothing_while_others_are_left(
    broker: Broker, host: str, left: str, state: HostState
):
    put(broker, host, state)
    assert who(broker) == {left}
    put(broker, host, None)
    assert who(broker) == {"here", "there"}


def test_avoided_hosts_are_used_when_nobody_else_is_left(broker: Broker):
    put(broker, "host-1", HostState.AVOID)
    put(broker, "host-2", HostState.AVOID)
    assert who(broker) == {"here", "there"}
    put(broker, "host-2", HostState.DRAIN)
    assert who(broker) == {"here"}


def test_where_all_are_drained_nobody_can_take_it(broker: Broker):
    put(broker, "host-1", HostState.DRAIN)
    put(broker, "host-2", HostState.DRAIN)
    answer = broker.sends()
    assert (answer.type, answer.code) == (ANSWER, Code.NO_ROUTE)


def test_a_version_that_is_on_drained_hosts_alone_has_no_instance(broker: Broker):
    broker.there("host-3", "new", NEW)
    decide_traffic(broker.switch, PACKAGE, Traffic(PACKAGE, OLD, ((OLD, 0), (NEW, 10_000))), NOW)
    assert broker.serves() == "new"
    put(broker, "host-3", HostState.DRAIN)
    assert who(broker) == {"here", "there"}
    assert broker.pool.assigned[OLD, How.FALLBACK, True] == 10


def test_an_instance_that_comes_up_on_a_drained_host_gets_nothing(broker: Broker):
    put(broker, "host-3", HostState.DRAIN)
    broker.there("host-3", "late", OLD)
    put(broker, "host-1", HostState.DRAIN)
    broker.here("late-here", OLD)
    assert who(broker) == {"there"}


def test_only_an_instance_that_an_operator_names_is_reached(broker: Broker):
    put(broker, "host-1", HostState.DRAIN)
    assert broker.serves(wish=RouteWish(instance="here")) == "here"
    put(broker, "host-2", HostState.DRAIN)
    for wish in (RouteWish(host="host-1"), RouteWish(version=OLD), RouteWish(host="host-2")):
        assert broker.sends(wish=wish).code == Code.NO_ROUTE


@pytest.mark.parametrize("attempt", [0, 1])
@pytest.mark.parametrize(("flags", "kind"), [(0, REFUSED), (REQUEST_EXACT, REQUEST)])
def test_the_destination_enforces_it(broker: Broker, flags: int, kind: int, attempt: int):
    put(broker, "host-1", HostState.DRAIN)
    hello = Hello(wire=1, host="host-2", incarnation=broker.links.peers["host-2"].incarnation).SerializeToString()
    broker.links.inbound.on_frame(b"peer", encode(HELLO, payload=hello), NOW)
    broker.switch.take()
    route = encode_request_route(RequestRoute(OWN, OLD, "here", "/api/x", "1", "z"))
    frame = encode(
        REQUEST,
        flags=flags,
        code=attempt,
        correlation=1,
        remaining_ms=1000,
        types=TYPES,
        route=route,
        name=FEATURE.encode(),
    )
    broker.switch.on_inbound(b"peer", frame, NOW)
    ((_, _, sent),) = broker.switch.take()
    back = decode(sent)
    assert back.type == kind
    assert kind == REQUEST or (back.code, back.flags) == (Code.UNAVAILABLE, 1)


def test_what_waits_on_a_host_that_is_drained_moves_on():
    broker = Broker()
    broker.here("here", OLD, slots=1)
    assert served(broker.sends()) == "here"
    waiting = encode(REQUEST, correlation=99, remaining_ms=1000, types=TYPES, name=FEATURE.encode())
    broker.switch.on_local(b"client", waiting, NOW)
    assert broker.switch.take() == []
    broker.there("host-2", "there", OLD)
    put(broker, "host-1", HostState.DRAIN)
    ((_, _, sent),) = broker.switch.take()
    assert served(decode(sent)) == "there"
    assert (list(broker.pool.local[OLD].queue.drain()), broker.switch.instances[b"here"].pending) == ([], 1)


def test_what_waits_and_has_nowhere_to_go_is_told_so():
    broker = Broker()
    broker.here("here", OLD, slots=1)
    broker.sends()
    waiting = encode(REQUEST, correlation=99, remaining_ms=1000, types=TYPES, name=FEATURE.encode())
    broker.switch.on_local(b"client", waiting, NOW)
    put(broker, "host-1", HostState.DRAIN)
    ((_, _, sent),) = broker.switch.take()
    assert (decode(sent).type, decode(sent).code) == (ANSWER, Code.NO_ROUTE)
    assert "no instance of service/customer" in said(decode(sent))


def test_what_waits_does_not_start_at_one_that_was_ejected_when_its_host_is_drained():
    """Seen from a drained host nobody of it is left out any more: they don't count there at all."""
    broker = Broker()
    for instance in ("sick", "well"):
        broker.here(instance, OLD, slots=1)
    sick = broker.switch.instances[b"sick"]
    sick.standing.handle(Event.EJECT, NOW)
    broker.switch.judge._changed(sick, NOW)
    assert served(broker.sends()) == "well"
    waiting = encode(REQUEST, correlation=99, remaining_ms=1000, types=TYPES, name=FEATURE.encode())
    broker.switch.on_local(b"client", waiting, NOW)
    broker.there("host-2", "there", OLD)
    put(broker, "host-1", HostState.DRAIN)
    ((_, _, sent),) = broker.switch.take()
    assert served(decode(sent)) == "there"
