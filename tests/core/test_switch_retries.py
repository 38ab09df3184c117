"""Second attempts: which failures get one, where and when, and what the caller is told when that fails too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_broker.links import Links
from h2o_broker.members import QUEUE_PER_SLOT, Admission
from h2o_broker.register.decisions import Decisions
from h2o_broker.report import Identity, broker_report
from h2o_broker.roster import Roster
from h2o_broker.switch import Switch
from h2o_core.deadlines import BUCKET_SHIFT
from h2o_core.ejection import Policy
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    REFUSED,
    REQUEST,
    TAG_PRIORITY,
    WELCOME,
    WIRE,
    decode,
    decode_request_route,
    encode,
    encode_answer_route,
    encode_answer_route_tail,
    encode_fields,
    types_hash,
)
from h2o_core.errors import Code, Executed
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Welcome
from h2o_core.pb.stats_pb2 import RegisterReport
from h2o_core.priorities import Priority
from h2o_core.retries import JITTER_NS
from h2o_core.times import Moment
from h2o_core.znodes.live import LiveHost, LiveInstance
from h2o_core.znodes.packages import FeatureSpec, package_version
from h2o_core.znodes.paths import Paths

if TYPE_CHECKING:
    from h2o_broker.retrying import RetryBudget
    from h2o_core.envelope import Frame

LOOK, PAY = "/service/customer/look", "/service/customer/pay"
"""The one may be executed twice, the other may not."""
TYPES = types_hash("t.Request", "t.Reply")
SPEC = package_version(
    "/service/customer",
    "1.0",
    [FeatureSpec(LOOK, "t.Request", "t.Reply", idempotent=True), FeatureSpec(PAY, "t.Request", "t.Reply")],
    b"",
)
OWN, THEIRS = 5, 7
MS = 1_000_000
KEEPS_ALL = Policy(run=1000)
"""Instances fail here as often as it takes, and are not ejected for it."""
JITTER_MS = (JITTER_NS + (2 << BUCKET_SHIFT)) // MS
"""Within that much a retry is made."""


class Host:
    """Local instances, one client, and another host when it is asked for; the time is told."""

    def __init__(self, *instances: str, slots: int = 9) -> None:
        self.now = 60_000 * MS
        self.switch = Switch("host-1", OWN, lambda: 0.5, KEEPS_ALL)
        self.roster = Roster(self.switch, "a", "t")
        self.links = Links(self.switch, "a", "t", "k" * 40)
        self.switch.rare = lambda _, rid, frame, now: self.links.on_outbound(rid, frame, now)
        self.pool = self.roster.pool_of(SPEC)
        self.pool.order["1.0"] = 1
        for name in instances:
            self.roster.admit(name.encode(), 1, name, SPEC, Admission(slots, 1, "", 0.0), self.now)
        self.switch.take()
        self.serial = 0

    def other_host(self, *instances: str) -> None:
        self.links.host_up(LiveHost("host-2", "b", "127.0.0.1:1", "k" * 40, THEIRS, "m", WIRE))
        for name in instances:
            live = LiveInstance(name, SPEC.package, "1.0", "d", 2, 0.0, 1)
            self.links.instances.up("host-2", live, self.pool, self.now)
        welcome = Welcome(wire=WIRE, host="host-2", incarnation=THEIRS, fleet="t").SerializeToString()
        self.switch.on_outbound(self.links.peers["host-2"].rid, encode(WELCOME, payload=welcome), self.now)
        self.switch.take()

    def frames(self) -> list[tuple[str, Frame]]:
        """(whom, frame) of what was sent since."""
        return [(rid.decode(errors="replace"), decode(raw)) for _, rid, raw in self.switch.take()]

    def ask(self, feature: str = LOOK, *, remaining_ms: int = 900, priority: Priority | None = None) -> tuple[str, int]:
        """A client's request; returns who got it, and the broker's name for it."""
        self.serial += 1
        fields = b"" if priority is None else encode_fields({TAG_PRIORITY: bytes((priority,))})
        frame = encode(
            REQUEST,
            correlation=self.serial,
            remaining_ms=remaining_ms,
            types=TYPES,
            name=feature.encode(),
            fields=fields,
        )
        self.switch.on_local(b"client", frame, self.now)
        return next(
            ((rid, frame.correlation) for rid, frame in self.frames() if frame.type == REQUEST), ("", self.serial)
        )

    def answer(self, who: str, request: int, code: Code, executed: Executed = Executed.YES) -> None:
        payload = Failure(message=f"{who} says {code.name}").SerializeToString()
        frame = encode(ANSWER, flags=executed, code=code, correlation=request, payload=payload)
        self.switch.on_local(who.encode(), frame, self.now)

    def passes(self, milliseconds: int = JITTER_MS) -> None:
        self.now += milliseconds * MS
        self.switch.expire(self.now)

    def told(self) -> tuple[Code, Executed, str]:
        """The one answer that the client got: how it ended, and by whose word."""
        (frame,) = [frame for rid, frame in self.frames() if rid == "client"]
        return Code(frame.code), frame.executed, Failure.FromString(frame.payload).message

    @property
    def budget(self) -> RetryBudget:
        return self.switch.caller("operator", "").budgets["/service/customer"]


def another(who: str) -> str:
    return {"one": "two", "two": "one"}[who]


def test_a_failure_is_tried_once_more_on_another_instance_and_counts_once() -> None:
    host = Host("one", "two")
    who, request = host.ask()
    host.answer(who, request, Code.INTERNAL)
    assert host.frames() == [], "it waits for its jitter"
    assert host.switch.next_wakeup() == host.switch.origin.retrying.next_ns()
    host.passes()
    ((second, frame),) = host.frames()
    assert (second, frame.type, frame.correlation, frame.code) == (another(who), REQUEST, request, 1)
    assert frame.remaining_ms == 900 - JITTER_MS
    host.answer(second, request, Code.OK)
    assert host.told() == (Code.OK, Executed.YES, f"{second} says OK")
    (counter,) = host.switch.caller("operator", "").counters.values()
    assert sum(counter.outcomes) == counter.outcomes[Code.OK] == 1
    assert (host.budget.retried, host.budget.refused) == (1, 0)
    assert not host.switch.requests


@pytest.mark.parametrize(
    ("feature", "code", "executed", "again"),
    [
        (LOOK, Code.INTERNAL, Executed.UNKNOWN, True),
        (LOOK, Code.UNAVAILABLE, Executed.NO, True),
        (LOOK, Code.APPLICATION, Executed.YES, False),
        (LOOK, Code.BAD_REQUEST, Executed.NO, False),
        (LOOK, Code.TIMEOUT, Executed.NO, False),
        (PAY, Code.INTERNAL, Executed.YES, False),
        (PAY, Code.INTERNAL, Executed.UNKNOWN, False),
        (PAY, Code.OVERLOADED, Executed.NO, True),
    ],
)
def test_which_answers_are_tried_again(feature: str, code: Code, executed: Executed, again: bool) -> None:
    host = Host("one", "two")
    host.other_host("far")
    host.answer(*host.ask(feature), code, executed)
    assert bool(host.frames()) is not again
    host.passes()
    assert any(frame.type == REQUEST for _, frame in host.frames()) is again


@pytest.mark.parametrize(("feature", "again"), [(LOOK, True), (PAY, False)])
def test_what_died_with_its_instance(feature: str, again: bool) -> None:
    host = Host("one", "two")
    who, request = host.ask(feature)
    host.roster.unreachable(who.encode(), host.now)
    if not again:
        code, executed, message = host.told()
        assert (code, executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
        assert "died while it worked on this" in message
        return
    host.passes()
    ((second, frame),) = host.frames()
    assert (second, frame.correlation) == (another(who), request)
    host.answer(second, request, Code.UNAVAILABLE, Executed.NO)
    code, executed, _ = host.told()
    assert (code, executed) == (Code.UNAVAILABLE, Executed.UNKNOWN), "the first attempt may have been executed"


def test_there_is_no_third_attempt() -> None:
    host = Host("one", "two")
    who, request = host.ask()
    host.answer(who, request, Code.INTERNAL)
    host.passes()
    host.frames()
    host.answer(another(who), request, Code.INTERNAL)
    assert host.told() == (Code.INTERNAL, Executed.YES, f"{another(who)} says INTERNAL")


@pytest.mark.parametrize("remaining_ms", [5, 900])
def test_without_another_instance_or_time_the_answer_is_told_at_once(remaining_ms: int) -> None:
    host = Host("one", *(["two"] if remaining_ms == 5 else []))
    who, request = host.ask(remaining_ms=remaining_ms)
    host.answer(who, request, Code.INTERNAL)
    assert host.told() == (Code.INTERNAL, Executed.YES, f"{who} says INTERNAL")
    assert not host.switch.caller("operator", "").budgets, "nothing was taken out of the budget"


def test_when_the_others_go_meanwhile_the_first_answer_is_told() -> None:
    host = Host("one", "two")
    who, request = host.ask()
    host.answer(who, request, Code.INTERNAL)
    host.roster.unreachable(another(who).encode(), host.now)
    host.frames()
    host.passes()
    assert host.told() == (Code.INTERNAL, Executed.YES, f"{who} says INTERNAL")


@pytest.mark.parametrize(("code", "executed"), [(Code.UNAVAILABLE, Executed.NO), (Code.INTERNAL, Executed.YES)])
def test_cancelled_while_it_waits(code: Code, executed: Executed) -> None:
    host = Host("one", "two")
    host.answer(*host.ask(), code, executed)
    host.switch.on_local(b"client", encode(CANCEL, correlation=1), host.now)
    assert host.told()[:2] == (Code.CANCELLED, executed)
    host.passes()
    assert host.frames() == []
    assert not host.switch.requests


def test_the_budget_is_spent_and_said() -> None:
    host = Host("one", "two", slots=20)
    asked = [host.ask() for _ in range(10)]
    for who, request in asked:
        host.answer(who, request, Code.INTERNAL)
    assert len(host.frames()) == 6, "three of the floor, and one for the first five that ended"
    assert (host.budget.retried, host.budget.refused) == (4, 6)


def test_what_is_shed_goes_to_another_host_and_not_back_into_the_full_queue() -> None:
    host = Host("one", slots=1)
    for _ in range(1 + QUEUE_PER_SLOT):
        host.ask(PAY)
    host.other_host("far")
    far = host.links.peers["host-2"].rid.decode()
    host.links.peers["host-2"].health = host.switch.instances[b"one"].health
    waiting = [one.id for one in host.switch.requests.values() if one.queued_at is not None]
    local = host.pool.local["1.0"]
    fields = encode_fields({TAG_PRIORITY: bytes((Priority.CRITICAL,))})
    critical = host.switch.ledger.open(
        host.switch.sources[b"client"],
        99,
        encode(REQUEST, name=PAY.encode(), fields=fields),
        28,
        PAY.encode(),
        len(fields),
        TYPES,
        host.now,
        host.now + 900 * MS,
    )
    assert host.switch.destination.place(critical, local, None, host.now)
    host.passes()
    ((who, frame),) = host.frames()
    assert (who, frame.type, frame.correlation) == (far, REQUEST, waiting[-1])
    route = encode_answer_route(OWN, 0, 0, 1, 0, encode_answer_route_tail("", "", "host-2"))
    refused = encode(REFUSED, flags=1, code=Code.OVERLOADED, correlation=frame.correlation, route=route)
    host.switch.on_outbound(far.encode(), refused, host.now)
    code, executed, message = host.told()
    assert (code, executed) == (Code.OVERLOADED, Executed.NO)
    assert "another request has its place" in message


def test_another_host_s_answer_names_who_is_to_be_avoided() -> None:
    host = Host()
    host.other_host("near", "far")
    peer = host.links.peers["host-2"]
    _, request = host.ask()
    served = "near"
    tail = encode_answer_route_tail("1.0", served, "host-2")
    frame = encode(
        ANSWER,
        flags=Executed.YES,
        code=Code.INTERNAL,
        correlation=request,
        route=encode_answer_route(OWN, 0, 0, 1, 0, tail),
    )
    host.switch.on_outbound(peer.rid, frame, host.now)
    host.passes()
    ((_, again),) = host.frames()
    assert decode_request_route(again.route).instance == "far"


def test_a_retry_goes_to_another_host_while_one_can_take_it() -> None:
    """On the same one it could end at the instance where it failed: the destination gives it to any that has a slot."""
    host = Host("one", "two")
    host.other_host("three")
    who, request = host.ask()
    assert who in {"one", "two"}
    host.answer(who, request, Code.INTERNAL)
    host.passes()
    ((rid, again),) = [(rid, frame) for rid, frame in host.frames() if frame.type == REQUEST]
    assert rid.startswith("host-2#")
    assert decode_request_route(again.route).instance == "three"


def test_the_report_names_who_is_retried_and_who_finds_no_slot() -> None:
    host = Host("one", "two", slots=1)
    asked = [host.ask() for _ in range(3 + 2 * QUEUE_PER_SLOT)]
    host.passes(0)
    host.answer(*asked[0], Code.INTERNAL)
    told = broker_report(
        Identity("host-1", "a", "t", "127.0.0.1:1", OWN, 1, 0.0, {}),
        host.switch,
        host.links,
        RegisterReport(),
        1,
        Decisions(Paths("t")),
        {},
        "",
        lambda _: 0,
        Moment(host.now, 0.0),
    )
    ((retries,), (queue,)) = told.retries, told.queues
    assert (retries.caller, retries.package, retries.retried, retries.refused) == ("operator", SPEC.package, 1, 0)
    assert [(one.caller, one.started, one.refused, one.waiting) for one in queue.callers] == [("operator", 1, 1, 3)]
    assert queue.over_s == 1
