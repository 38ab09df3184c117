"""A real broker and raw links: second attempts come by its own clock, and callers take turns at a slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed
from h2o_core.pb.registration_pb2 import Registered
from tests.support.broker import SAY, BrokerProcess, RawLink, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    with BrokerProcess(tmp_path) as process:
        yield process


def _asked(one: RawLink, other: RawLink) -> tuple[RawLink, RawLink, wire.Frame]:
    """(who got a request, who did not, the request)."""
    came: list[tuple[RawLink, RawLink, wire.Frame]] = []

    def has_come() -> bool:
        for link, beside in ((one, other), (other, one)):
            request = link.wait(wire.REQUEST, within_s=0.01)
            if request is not None:
                came.append((link, beside, request))
        return bool(came)

    eventually(has_come, "one of the two gets it")
    return came[0]


@pytest.mark.parametrize("dies", [True, False])
def test_what_failed_is_answered_by_the_other_instance(broker: BrokerProcess, dies: bool) -> None:
    with RawLink(broker.endpoint) as client, RawLink(broker.endpoint) as one, RawLink(broker.endpoint) as other:
        for link in (one, other):
            assert Registered.FromString(link.register(idempotent=True).payload).instance
        # the budget of a caller that has asked for nothing yet grows by three a second
        eventually(lambda: (told := client.report()).now_s - told.started_s > 1.0, "there is a budget")
        asked = client.ask(payload=b"once")
        first, second, request = _asked(one, other)
        if dies:
            first.close()
        else:
            first.send(wire.ANSWER, correlation=request.correlation, flags=Executed.YES, code=Code.INTERNAL)
        again = second.answer_one(payload=b"twice")
        assert (again.code, again.correlation, again.payload) == (1, request.correlation, b"once")
        answer = client.expect(wire.ANSWER, correlation=asked)
        assert (answer.code, answer.payload) == (Code.OK, b"twice")
        told = client.report()
        assert [(one.caller, one.retried, one.refused) for one in told.retries] == [("operator", 1, 0)]
        assert [(one.feature, [(each.code, each.count) for each in one.outcomes]) for one in told.callers] == [
            (SAY, [(Code.OK, 1)])
        ]


def test_callers_take_turns_at_the_only_slot(broker: BrokerProcess) -> None:
    with RawLink(broker.endpoint) as flood, RawLink(broker.endpoint) as web, RawLink(broker.endpoint) as instance:
        web.registered(package="/api/web")
        instance.registered(slots=4)
        held = [flood.ask(payload=b"held") for _ in range(4)]
        running = [instance.expect(wire.REQUEST).correlation for _ in held]
        for _ in range(8):
            flood.ask(payload=b"flood")
        flood.ask(payload=b"refused")
        assert flood.expect(wire.ANSWER).code == Code.OVERLOADED
        web.ask(payload=b"web")
        shed = flood.expect(wire.ANSWER)
        assert (shed.code, shed.executed) == (Code.OVERLOADED, Executed.NO)
        (queue,) = [one for one in flood.report().queues if one.package == "/service/echo"]
        assert [(one.caller, one.refused, one.waiting) for one in queue.callers] == [
            ("/api/web", 0, 1),
            ("operator", 2, 7),
        ]
        order: list[bytes] = []
        for correlation in running:
            instance.send(wire.ANSWER, correlation=correlation)
            order.append(instance.expect(wire.REQUEST).payload)
        assert order == [b"flood", b"web", b"flood", b"flood"]
