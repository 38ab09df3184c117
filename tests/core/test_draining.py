"""The life of a drain at its own host: the grace and its end, from whose clock, and who would miss the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_broker.drain_report import control_report, drain_report
from h2o_broker.events import GivenUp
from h2o_broker.register.decisions import Decision
from h2o_broker.register.known import Known
from h2o_core.control.hosts import HostControl, HostState
from h2o_core.deadlines import BUCKET_SHIFT
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HELLO,
    REFUSED,
    RELEASED,
    REQUEST,
    REQUEST_EXACT,
    TAG_REQUEST_ID,
    RequestRoute,
    RouteWish,
    decode,
    encode,
    encode_fields,
    encode_request_route,
)
from h2o_core.errors import Code, Executed
from h2o_core.health import Verdict
from h2o_core.pb.registration_pb2 import Hello
from h2o_core.times import Moment
from tests.support.switches import FEATURE, NOW, OWN, PACKAGE, TYPES, Broker, decide_host, said, served

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.envelope import Frame
    from h2o_core.pb.stats_pb2 import DrainReport

S = 1_000_000_000
LATE = 1 << BUCKET_SHIFT
"""So much later than it is due it may be noticed."""
OLD = "1.0.0"
GRACE_S = 30.0
DRAIN = HostControl("host-1", HostState.DRAIN, "ann", "new memory", since_s=5_000.0, grace_s=GRACE_S)


def put(broker: Broker, control: HostControl | None, at: int = NOW, *, over: bool = False) -> list[Frame]:
    decide_host(broker.switch, "host-1", control, at, over=over)
    return [decode(frame) for _, _, frame in broker.switch.take()]


def passes(broker: Broker, until: int) -> list[Frame]:
    """What is sent when time comes to *until*, if there is anything to wake up for."""
    due = broker.switch.next_wakeup()
    if due is not None and due <= until:
        broker.switch.expire(until)
    return [decode(frame) for _, _, frame in broker.switch.take()]


def told(broker: Broker, at: int = NOW) -> DrainReport:
    report = drain_report(broker.switch, lambda rid: 4000 + len(rid), Moment(at, 10_000.0))
    assert report is not None
    return report


def greeted(broker: Broker, host: str = "host-2") -> None:
    hello = Hello(wire=1, host=host, incarnation=9).SerializeToString()
    broker.links.inbound.on_frame(host.encode(), encode(HELLO, payload=hello), NOW)
    broker.switch.take()


def comes(broker: Broker, correlation: int, at: int = NOW, flags: int = 0, host: str = "host-2") -> list[Frame]:
    """A request of another host's for the instance `here`, with an hour left."""
    frame = encode(
        REQUEST,
        flags=flags,
        correlation=correlation,
        remaining_ms=3_600_000,
        types=TYPES,
        route=encode_request_route(RequestRoute(OWN, OLD, "here", "/api/x", "1", "z")),
        name=FEATURE.encode(),
        fields=encode_fields({TAG_REQUEST_ID: bytes(15) + b"\x07"}),
    )
    broker.switch.on_inbound(host.encode(), frame, at)
    return [decode(sent) for _, _, sent in broker.switch.take()]


def goes(broker: Broker, correlation: int, at: int = NOW, client: bytes = b"client") -> list[Frame]:
    """A request of this host's own client, with an hour left."""
    frame = encode(REQUEST, correlation=correlation, remaining_ms=3_600_000, types=TYPES, name=FEATURE.encode())
    broker.switch.on_local(client, frame, at)
    return [decode(sent) for _, _, sent in broker.switch.take()]


@pytest.fixture
def broker() -> Broker:
    made = Broker()
    made.here("here", OLD, slots=2)
    greeted(made)
    return made


# ---------------------------------------------------------------------- the grace


@pytest.mark.parametrize("comes_in", [comes, goes])
def test_what_runs_finishes_within_the_grace(broker: Broker, comes_in: Callable[[Broker, int], list[Frame]]):
    (asked,) = comes_in(broker, 1)
    assert put(broker, DRAIN) == []
    assert passes(broker, NOW + 29 * S) == []
    broker.switch.on_local(b"here", encode(ANSWER, flags=2, correlation=asked.correlation), NOW + 29 * S)
    ((_, _, answer),) = broker.switch.take()
    assert (decode(answer).type, decode(answer).code) == (ANSWER, Code.OK)
    assert passes(broker, NOW + 60 * S) == []
    assert broker.switch.draining.given_up == 0


@pytest.mark.parametrize("whose", ["another host's", "its own client's"])
def test_at_its_end_what_still_runs_is_given_up_by_name(broker: Broker, whose: str):
    (asked,) = comes(broker, 1) if whose == "another host's" else goes(broker, 1)
    put(broker, DRAIN)
    assert passes(broker, NOW + 30 * S - 1) == []
    cancel, answer = passes(broker, NOW + 30 * S + LATE)
    assert (cancel.type, cancel.correlation) == (CANCEL, asked.correlation)
    assert (answer.type, answer.code, answer.executed) == (ANSWER, Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
    assert said(answer) == "host-1 is drained, and instance here worked on this until the grace was over"
    (event,) = [one for one in broker.switch.events if isinstance(one, GivenUp)]
    assert (event.feature, event.instance, round(event.ran_s)) == (FEATURE, "here", 30)
    assert (event.request_id, event.caller) == (
        ("00" * 15 + "07", "/api/x") if whose == "another host's" else ("", "operator")
    )
    assert broker.switch.draining.given_up == 1
    assert passes(broker, NOW + 90 * S) == [], "once"


def test_the_slot_comes_back_when_the_instance_says_so(broker: Broker):
    (asked,) = comes(broker, 1)
    put(broker, DRAIN)
    passes(broker, NOW + 31 * S)
    assert broker.switch.instances[b"here"].pending == 1
    (standing,) = told(broker).instances
    assert (standing.in_flight, standing.held) == (0, 1)
    broker.switch.on_local(b"here", encode(RELEASED, correlation=asked.correlation), NOW + 32 * S)
    assert broker.switch.instances[b"here"].pending == 0
    assert not broker.switch.requests


def test_to_have_been_too_long_for_an_operator_is_no_evidence_against_an_instance():
    broker = Broker()
    broker.here("here", OLD)
    broker.here("there", OLD)
    for correlation in range(40):
        goes(broker, correlation)
    put(broker, DRAIN)
    passes(broker, NOW + 31 * S)
    assert broker.switch.draining.given_up == 40
    for instance in broker.switch.instances.values():
        assert (instance.verdict, instance.load.share(NOW + 31 * S)) == (Verdict.OK, 1.0)
    assert "ejections_held_back" not in broker.switch.oddities.counts


def test_without_grace_all_is_given_up_at_once(broker: Broker):
    comes(broker, 1)
    cancel, answer = put(broker, HostControl("host-1", HostState.DRAIN, "ann", grace_s=0.0))
    assert (cancel.type, answer.code) == (CANCEL, Code.OUTCOME_UNKNOWN)


def test_who_is_undrained_in_the_middle_of_it_goes_on_as_if_nothing_had_been(broker: Broker):
    (asked,) = comes(broker, 1)
    put(broker, DRAIN)
    put(broker, None, NOW + 10 * S)
    assert passes(broker, NOW + 31 * S) == []
    assert comes(broker, 2, NOW + 31 * S)[0].type == REQUEST
    broker.switch.on_local(b"here", encode(ANSWER, flags=2, correlation=asked.correlation), NOW + 32 * S)
    assert decode(broker.switch.take()[0][2]).code == Code.OK


def test_a_second_drain_has_a_grace_of_its_own(broker: Broker):
    put(broker, DRAIN)
    put(broker, None, NOW + 10 * S)
    comes(broker, 1, NOW + 15 * S)
    put(broker, DRAIN, NOW + 20 * S)
    assert passes(broker, NOW + 49 * S) == []
    assert len(passes(broker, NOW + 50 * S + LATE)) == 2


@pytest.mark.parametrize(("grace_s", "ends_s"), [(60.0, 60), (10.0, 20), (15.0, 20), (25.0, 25)])
def test_another_grace_counts_from_the_same_beginning(broker: Broker, grace_s: float, ends_s: int):
    """Said 20 s after it began: one that would be over by then is over at once."""
    comes(broker, 1)
    put(broker, DRAIN)
    changed = HostControl("host-1", HostState.DRAIN, "ann", grace_s=grace_s)
    sent = put(broker, changed, NOW + 20 * S)
    if ends_s > 20:
        assert sent == passes(broker, NOW + ends_s * S - 1) == []
        sent = passes(broker, NOW + ends_s * S + LATE)
    assert [one.type for one in sent] == [CANCEL, ANSWER]


def test_a_drain_that_is_only_prolonged_keeps_its_beginning(broker: Broker):
    put(broker, DRAIN)
    put(broker, HostControl("host-1", HostState.DRAIN, "bea", until_s=9e9, grace_s=GRACE_S), NOW + 20 * S)
    assert told(broker, NOW + 20 * S).grace_left_s == 10.0


def test_an_avoided_host_has_no_grace(broker: Broker):
    (asked,) = comes(broker, 1)
    put(broker, HostControl("host-1", HostState.AVOID, "ann", grace_s=0.0))
    assert passes(broker, NOW + 400 * S) == []
    assert drain_report(broker.switch, lambda _: 0, Moment(NOW, 0.0)) is None
    assert broker.switch.requests[asked.correlation].target is not None


def test_what_an_operator_sends_to_an_instance_after_the_grace_is_served(broker: Broker):
    put(broker, DRAIN)
    passes(broker, NOW + 31 * S)
    (request,) = comes(broker, 1, NOW + 40 * S, REQUEST_EXACT)
    assert (request.type, served(request)) == (REQUEST, "here")
    assert passes(broker, NOW + 100 * S) == []
    assert told(broker).instances[0].in_flight == 1


# ---------------------------------------------------------------------- whose clock


def test_the_grace_begins_when_this_broker_sees_the_drain(broker: Broker):
    """The document's time is of another machine, and may be of yesterday."""
    comes(broker, 1)
    decide_host(broker.switch, "host-1", DRAIN, NOW + 500 * S)
    assert passes(broker, NOW + 529 * S) == []
    assert len(passes(broker, NOW + 530 * S + LATE)) == 2


@pytest.mark.parametrize(("started_s", "left_s"), [(5_010.0, 30.0), (5_030.0, 0.0), (99_999.0, 0.0)])
def test_a_broker_that_remembers_a_drain_when_it_starts_knows_whether_its_grace_is_over(
    started_s: float, left_s: float
):
    broker = Broker()
    known = Known("test", broker.switch, broker.roster, broker.links)
    decided = [Decision(known.paths.host_control("host-1"), DRAIN)]
    known._enforce(decided, Moment(NOW, started_s), remembered=True)
    assert told(broker).grace_left_s == left_s
    assert broker.switch.destination.drained
    known._enforce(decided, Moment(NOW + S, started_s + 1), remembered=False)
    assert told(broker, NOW + S).grace_left_s == max(0.0, left_s - 1)


@pytest.mark.parametrize("first", ["host-1", "host-2"])
def test_what_moves_on_does_not_move_to_a_host_that_is_drained_in_the_same_reading(first: str):
    """A broker that was away reads several changes at once: they are in force together."""
    broker = Broker()
    broker.here("here", OLD, slots=1)
    broker.there("host-2", "there", OLD)
    known = Known("test", broker.switch, broker.roster, broker.links)
    for number in (1, 2, 3):
        goes(broker, number)
    while not broker.pool.local[OLD].queue.size:
        broker.serial += 100
        goes(broker, broker.serial)
    broker.there("host-3", "elsewhere", OLD)
    drains = [
        HostControl(host, HostState.DRAIN, "ann") for host in sorted(("host-1", "host-2"), key=lambda one: one != first)
    ]
    known._enforce([Decision(known.paths.host_control(one.host), one) for one in drains], Moment(NOW, 6_000.0))
    moved = [decode(frame) for _, _, frame in broker.switch.take()]
    assert moved
    assert {served(one) for one in moved} == {"elsewhere"}


# ---------------------------------------------------------------------- who would miss it


def test_who_sends_here_though_it_is_drained_is_named(broker: Broker):
    greeted(broker, "host-3")
    put(broker, DRAIN)
    for correlation in (1, 2):
        assert comes(broker, correlation, NOW + correlation * S)[0].type == REFUSED
    comes(broker, 3, NOW + 9 * S, REQUEST_EXACT, "host-3")
    (sender,) = told(broker, NOW + 5 * S).senders
    assert (sender.host, sender.refused, sender.age_s) == ("host-2", 2, 3.0)
    put(broker, None)
    put(broker, DRAIN)
    assert not told(broker).senders


def test_who_sends_from_here_is_told_with_its_process(broker: Broker):
    broker.there("host-2", "there", OLD)
    goes(broker, 1, client=b"before")
    broker.roster.on_frame(b"quiet", encode(HELLO, payload=Hello(wire=1).SerializeToString()), NOW)
    put(broker, DRAIN)
    goes(broker, 2, NOW + S, client=b"busy")
    goes(broker, 3, NOW + 2 * S, client=b"here")
    callers = {one.pid: one for one in told(broker, NOW + 3 * S).callers}
    assert {pid: (one.caller, one.instance, one.in_flight, one.asked_age_s) for pid, one in callers.items()} == {
        4006: ("operator", "", 1, -1.0),
        4005: ("operator", "", 0, -1.0),
        4004: ("operator", "", 1, 2.0),
        1: (PACKAGE, "here", 0, 1.0),  # a service calls nobody: it was told so at once
    }
    broker.roster.unreachable(b"busy", NOW)
    assert 4004 not in {one.pid for one in told(broker).callers}
    assert b"busy" not in broker.switch.draining.asked


def test_what_operators_decided_about_this_host_is_told(broker: Broker):
    assert control_report(broker.switch) is None
    put(broker, DRAIN)
    control = control_report(broker.switch)
    assert control is not None
    assert (control.state, control.owner, control.reason, control.grace_s) == ("drain", "ann", "new memory", GRACE_S)
    report = told(broker, NOW + 10 * S)
    assert (report.since_s, report.grace_left_s, report.queued, report.given_up) == (9_990.0, 20.0, 0, 0)


def test_one_that_an_operator_names_is_reached_from_here_and_counts_as_under_way(broker: Broker):
    put(broker, DRAIN)
    assert served(broker.sends(wish=RouteWish(instance="here"))) == "here"
    assert told(broker).instances[0].in_flight == 1
