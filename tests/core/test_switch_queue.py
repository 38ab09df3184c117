"""What waits at its destination: whose turn it is, who is shed, and how the time that is left runs on meanwhile."""

from __future__ import annotations

import pytest

from h2o_broker.members import QUEUE_PER_SLOT, Admission
from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    HELLO,
    REFUSED,
    REQUEST,
    TAG_PRIORITY,
    WIRE,
    Frame,
    RequestRoute,
    decode,
    decode_request_route,
    encode,
    encode_fields,
    encode_request_route,
)
from h2o_core.errors import Code, Executed
from h2o_core.pb.registration_pb2 import Hello
from h2o_core.priorities import Priority
from tests.core.test_switch_retries import OWN, PAY, THEIRS, TYPES, Host

CRITICAL, NORMAL, SHEDDABLE = Priority


class Destination(Host):
    """One instance with one slot, which is taken, and another host's callers; `serial` names their requests."""

    def __init__(self, slots: int = 1) -> None:
        super().__init__("one", slots=slots)
        self.switch.rare = lambda _, rid, frame, now: self.links.inbound.on_frame(rid, frame, now)
        hello = Hello(wire=WIRE, host="host-2", incarnation=THEIRS).SerializeToString()
        self.switch.on_inbound(b"in", encode(HELLO, payload=hello), self.now)
        self.taken = [self.ask(PAY)[1] for _ in range(slots)]
        self.serial = 100
        self.frames()

    def comes(self, caller: str = "/api/a", priority: Priority | None = None, remaining_ms: int = 900) -> int:
        self.serial += 1
        fields = b"" if priority is None else encode_fields({TAG_PRIORITY: bytes((priority,))})
        frame = encode(
            REQUEST,
            correlation=self.serial,
            remaining_ms=remaining_ms,
            types=TYPES,
            route=encode_request_route(RequestRoute(OWN, "1.0", "one", caller, "1", "x")),
            name=PAY.encode(),
            fields=fields,
            payload=str(self.serial).encode(),
        )
        self.switch.on_inbound(b"in", frame, self.now)
        return self.serial

    def started(self) -> list[tuple[int, Frame]]:
        """Answer whatever runs, until nothing waits: (whose, frame) in the order of the starts."""
        order: list[tuple[int, Frame]] = []
        running = self.taken
        while running:
            for request in running:
                self.answer("one", request, Code.OK)
            came = [decode(raw) for _, rid, raw in self.switch.take() if rid == b"one" and raw[1] == REQUEST]
            order += [(int(frame.payload), frame) for frame in came]
            running = [frame.correlation for frame in came]
        return order

    def told_of(self) -> dict[int, tuple[int, Code, Executed]]:
        """The other host's requests that have ended: (frame, code, executed)."""
        answers = [frame for rid, frame in self.frames() if rid == "in" and frame.type in {ANSWER, REFUSED}]
        return {one.correlation: (one.type, Code(one.code), one.executed) for one in answers}


def test_callers_take_turns_whatever_they_bring() -> None:
    host = Destination(slots=3)
    flood = [host.comes("/api/flood") for _ in range(4)]
    quiet = [host.comes("/api/quiet") for _ in range(2)]
    order = [one for one, _ in host.started()]
    assert order == [flood[0], quiet[0], flood[1], quiet[1], flood[2], flood[3]]


def test_a_higher_priority_is_started_first() -> None:
    host = Destination(slots=2)
    wanted = [host.comes("/api/a", each) for each in (SHEDDABLE, NORMAL, CRITICAL, None)]
    assert [one for one, _ in host.started()] == [wanted[2], wanted[1], wanted[3], wanted[0]]


@pytest.mark.parametrize(
    ("caller", "priority", "shed"),
    [
        ("/api/a", NORMAL, None),
        ("/api/b", NORMAL, 1),
        ("/api/b", SHEDDABLE, None),
        ("/api/a", CRITICAL, 1),
    ],
)
def test_a_full_queue_answers_at_once_whom_it_sheds_or_refuses(
    caller: str, priority: Priority, shed: int | None
) -> None:
    host = Destination()
    waiting = [host.comes("/api/a") for _ in range(QUEUE_PER_SLOT)]
    late = host.comes(caller, priority)
    expected = (
        {late: (REFUSED, Code.OVERLOADED, Executed.NO)}
        if shed is None
        else {waiting[shed]: (ANSWER, Code.OVERLOADED, Executed.NO)}
    )
    assert host.told_of() == expected
    assert len(host.started()) == QUEUE_PER_SLOT


def test_waiting_is_taken_off_what_is_left() -> None:
    host = Destination()
    waited = host.comes(remaining_ms=900)
    host.passes(100)
    ((started, frame),) = host.started()
    assert (started, frame.remaining_ms) == (waited, 800)
    assert decode_request_route(frame.route).caller == "/api/a"


@pytest.mark.parametrize("late_tick", [True, False])
def test_what_has_waited_until_its_deadline_is_never_started(late_tick: bool) -> None:
    host = Destination()
    waited = host.comes(remaining_ms=50)
    host.now += 50 * 1_000_000 - 1
    if not late_tick:
        host.passes(10)
    assert host.started() == []
    late = host.comes()
    host.frames()
    assert waited not in host.switch.inbound[b"in"].requests, "it was told"
    assert late in host.switch.inbound[b"in"].requests


def test_a_deadline_makes_room_before_anybody_is_shed() -> None:
    host = Destination()
    short, _ = host.comes(remaining_ms=50), host.comes()
    host.now += 60 * 1_000_000  # and no tick in between
    host.comes("/api/b")
    assert host.told_of() == {short: (ANSWER, Code.TIMEOUT, Executed.NO)}


def test_cancelled_in_the_queue_it_was_not_executed_and_its_place_is_free() -> None:
    host = Destination()
    first, second = (host.comes() for _ in range(QUEUE_PER_SLOT))
    host.switch.on_inbound(b"in", encode(CANCEL, correlation=first), host.now)
    assert host.told_of() == {first: (ANSWER, Code.CANCELLED, Executed.NO)}
    third = host.comes()
    assert host.told_of() == {}
    assert [one for one, _ in host.started()] == [second, third]


def test_cancelled_at_work_it_is_told_at_once_and_the_slot_comes_back_with_the_instance_s_word() -> None:
    host = Destination()
    waits = host.comes()
    host.switch.on_local(b"client", encode(CANCEL, correlation=1), host.now)
    frames = {rid: frame.type for rid, frame in host.frames()}
    assert frames == {"client": ANSWER, "one": CANCEL}
    assert waits in host.switch.inbound[b"in"].requests
    host.answer("one", host.taken[0], Code.OK)
    assert [frame.type for rid, frame in host.frames() if rid == "one"] == [REQUEST]


def test_a_queue_that_has_become_too_long_gives_back_what_no_longer_fits() -> None:
    host = Destination()
    host.roster.admit(b"two", 1, "two", host.pool.local["1.0"].spec, Admission(1, 1, "", 0.0), host.now)
    host.comes()
    waiting = [host.comes() for _ in range(2 * QUEUE_PER_SLOT)]
    host.frames()
    host.roster.unreachable(b"two", host.now)
    refused = {one for one, told in host.told_of().items() if told[0] == REFUSED}
    assert refused == set(waiting[QUEUE_PER_SLOT:]), "the newest"
