"""The server alone on a loop: what it answers to each frame, and that no slot is ever lost."""

from __future__ import annotations

import asyncio
import gc
from contextvars import ContextVar
from typing import TYPE_CHECKING

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_core import envelope as wire
from h2o_core.envelope import MalformedFrame
from h2o_core.errors import Code, Executed
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Check
from h2o_service import ApplicationError, CheckWarning, Package, Reading, current_request
from h2o_service.health import Checks
from h2o_service.server import Server
from h2o_service.threads import Threads
from tests.support.processes import until

if TYPE_CHECKING:
    from h2o_core.envelope import Frame


MARK: ContextVar[str] = ContextVar("mark", default="unmarked")


class Bench:
    """A server with one slot unless told otherwise, its handlers under the test's control."""

    def __init__(self, slots: int = 1) -> None:
        package = Package("/service/bench", version="1", slots=slots)
        self.go = asyncio.Event()
        self.entered = 0
        self.cancelled = 0
        self.error: Exception = KeyError()
        self.tasks: list[asyncio.Task[None]] = []
        self.remembered: list[float] = []

        @package.feature("hold")
        async def hold(request: StringValue) -> StringValue:
            self.entered += 1
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return request

        @package.feature("stubborn")
        async def stubborn(request: StringValue) -> StringValue:
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                await self.go.wait()
            return request

        @package.feature("now")
        async def now(request: StringValue) -> StringValue:
            return request

        @package.feature("mark")
        async def mark(request: StringValue) -> StringValue:
            before = MARK.get()
            MARK.set(request.value)
            self.tasks.append(asyncio.create_task(self.remember(current_request().remaining_s())))
            return StringValue(value=before)

        @package.feature("carried")
        async def carried(request: StringValue) -> StringValue:
            del request
            return StringValue(value=current_request().carried.hex())

        @package.feature("raise", errors=("x",))
        def raising(request: StringValue) -> StringValue:
            del request
            raise self.error

        del hold, stubborn, now, mark, carried, raising
        self.out: list[Frame] = []
        self.server = Server(package.features.values(), slots)
        self.server.open(lambda frame: self.out.append(wire.decode(frame)))

    async def remember(self, remaining_s: float) -> None:
        self.remembered.append(remaining_s - current_request().remaining_s())

    def ask(
        self, correlation: int, feature: str = "hold", payload: bytes = b"\n\2hi", remaining_ms: int = 5000
    ) -> None:
        name = f"/service/bench/{feature}".encode()
        frame = wire.encode(
            wire.REQUEST, correlation=correlation, remaining_ms=remaining_ms, name=name, payload=payload
        )
        self.server.requested(frame)

    async def outcome(self, count: int) -> list[tuple[int, int, int]]:
        """(type, correlation, code) of the first *count* frames, once there are so many and no slot is busy."""
        await until(lambda: len(self.out) >= count and not self.server.slots.busy, f"{count} frames, all slots free")
        return [(frame.type, frame.correlation, frame.code) for frame in self.out]


async def test_what_exceeds_the_slots_waits_and_what_exceeds_that_is_refused() -> None:
    bench = Bench(slots=2)
    for correlation in range(5):
        bench.ask(correlation)
    (refused,) = bench.out
    assert (refused.correlation, refused.code, refused.executed) == (4, Code.OVERLOADED, Executed.NO)
    await until(lambda: bench.entered == 2, "two running handlers")
    bench.go.set()
    answers = await bench.outcome(5)
    assert sorted(answers[1:]) == [(wire.ANSWER, correlation, Code.OK) for correlation in range(4)]
    assert bench.entered == 4


async def test_a_payload_that_does_not_parse() -> None:
    bench = Bench()
    bench.ask(1, payload=b"\xff\xff")
    ((frame),) = bench.out
    assert (frame.code, frame.executed) == (Code.BAD_REQUEST, Executed.NO)
    assert "not a google.protobuf.StringValue" in Failure.FromString(frame.payload).message
    assert bench.server.slots.busy == 0


async def test_a_handler_that_never_waits_has_a_context_of_its_own() -> None:
    bench = Bench()
    for correlation in range(2):
        bench.ask(correlation, feature="mark")
    replies = [StringValue.FromString(frame.payload).value for frame in bench.out]
    assert replies == ["unmarked", "unmarked"]  # answered in the very call, and nothing was left behind
    assert MARK.get() == "unmarked"
    await until(lambda: len(bench.remembered) == 2, "the tasks that the handlers started")
    assert max(bench.remembered) < 1


async def test_an_unknown_feature_and_a_malformed_frame() -> None:
    bench = Bench()
    bench.ask(1, feature="else")
    assert (bench.out[0].code, bench.out[0].executed) == (Code.NOT_FOUND, Executed.NO)
    frame = bytearray(wire.encode(wire.REQUEST, name=b"/service/bench/now"))
    frame[24] = 0xFF  # the length of the fields
    with pytest.raises(MalformedFrame):
        bench.server.requested(bytes(frame))
    assert bench.server.slots.busy == 0


async def test_exceptions_that_can_not_be_told_cost_no_slot() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    bench = Bench()
    for correlation, error in enumerate((Broken(), ApplicationError("x", detail=5))):  # pyright: ignore[reportArgumentType]
        bench.error = error
        bench.ask(correlation, feature="raise")
        assert (await bench.outcome(correlation + 1))[-1] == (wire.ANSWER, correlation, Code.INTERNAL)
    assert [Failure.FromString(frame.payload).message for frame in bench.out] == [
        "Broken, which can't be told: ValueError",
        "ApplicationError, which can't be told: TypeError",
    ]


async def test_cancelling_what_runs_what_waits_and_what_has_not_been_entered() -> None:
    bench = Bench()
    bench.ask(1)
    bench.ask(2)
    bench.server.cancelled(1)  # its task exists, but has not run
    bench.server.cancelled(99)
    assert bench.server.slots.waiting == 0
    await until(lambda: bench.entered == 1, "the second to run in the first one's slot")
    bench.ask(3)
    bench.server.cancelled(3)  # it waits
    bench.server.cancelled(2)  # it runs
    assert await bench.outcome(3) == [(wire.RELEASED, 1, 0), (wire.RELEASED, 3, 0), (wire.RELEASED, 2, 0)]
    assert (bench.entered, bench.cancelled) == (1, 1)


async def test_a_handler_that_ignores_cancellation_keeps_its_slot() -> None:
    bench = Bench()
    bench.ask(1, feature="stubborn")
    await asyncio.sleep(0)
    bench.server.cancelled(1)
    await until(lambda: bench.cancelled == 1, "the cancellation")
    assert bench.server.slots.busy == 1
    bench.go.set()
    assert await bench.outcome(1) == [(wire.RELEASED, 1, 0)]


async def test_what_waited_past_its_deadline_is_never_started() -> None:
    bench = Bench()
    bench.ask(1)
    bench.ask(2, remaining_ms=1)
    await asyncio.sleep(0.01)
    bench.go.set()
    assert await bench.outcome(2) == [(wire.ANSWER, 1, Code.OK), (wire.ANSWER, 2, Code.TIMEOUT)]
    assert bench.out[1].executed is Executed.NO
    assert bench.entered == 1


async def test_what_comes_past_its_deadline_is_never_started() -> None:
    bench = Bench()
    bench.ask(1, feature="now", remaining_ms=0)
    assert await bench.outcome(1) == [(wire.ANSWER, 1, Code.TIMEOUT)]
    assert bench.out[0].executed is Executed.NO
    assert bench.server.slots.busy == 0


async def test_a_lost_broker_leaves_slots_taken_until_handlers_return_and_answers_nobody() -> None:
    bench = Bench()
    bench.ask(1)
    bench.ask(2)
    await until(lambda: bench.entered == 1, "the first to run")
    bench.server.abandoned()
    assert (bench.server.slots.busy, bench.server.slots.waiting) == (1, 0)
    bench.ask(1, feature="now")  # the next broker's number 1
    bench.go.set()
    assert await bench.outcome(1) == [(wire.ANSWER, 1, Code.OK)]
    assert bench.entered == 1


async def test_a_lost_brokers_requests_end_at_their_deadline() -> None:
    bench = Bench(slots=2)
    bench.ask(1, remaining_ms=30)
    await until(lambda: bench.entered == 1, "the first to run")
    bench.server.abandoned()
    gc.collect()  # nothing but the server holds the task now
    await until(lambda: bench.cancelled == 1, "the cancellation at its deadline")
    assert await bench.outcome(0) == []


async def test_hundreds_of_waiting_requests_that_end_at_once() -> None:
    bench = Bench(slots=2000)
    for correlation in range(4000):
        bench.ask(correlation, feature="hold" if correlation < 2000 else "now", payload=b"\xff" * (correlation >= 2000))
    await until(lambda: bench.entered == 2000, "full slots")
    bench.go.set()
    answers = await bench.outcome(4000)
    assert len({correlation for _, correlation, _ in answers}) == 4000


# --- threads ------------------------------------------------------------------------------------------


async def test_threads_are_started_when_needed_and_never_more_than_asked_for() -> None:
    threads = Threads(3, "test")
    done: list[int] = []
    for number in range(4):
        threads.submit(lambda number=number: done.append(number))
        await until(lambda number=number: len(done) == number + 1, "the work")
    assert threads.started <= 2  # an idle one is used again
    for number in range(50):
        threads.submit(lambda number=number: done.append(number))
    await until(lambda: len(done) == 54, "all work")
    assert threads.started <= 3


# --- checks -------------------------------------------------------------------------------------------


async def test_each_way_a_check_can_end() -> None:
    package = Package("/service/bench", version="1")
    release = asyncio.Event()

    @package.check("fine")
    async def fine() -> Reading:
        return Reading(3, "ms", "three")

    @package.check("warns")
    def warns() -> None:
        text = "nearly full"
        raise CheckWarning(text)

    @package.check("fails", severity="page")
    def fails() -> None:
        text = "gone"
        raise ConnectionError(text)

    @package.check("hangs", timeout_s=0.05)
    async def hangs() -> None:
        await release.wait()

    @package.check("stops")
    def stops() -> None:
        raise StopIteration

    del fine, warns, fails, hangs, stops
    checks = Checks(list(package.checks.values()))
    assert checks.results() == []
    checks.start()
    await until(lambda: len(checks.results()) == 5, "all results")
    await checks.stop()
    seen = {check.name: (check.status, check.output) for check in checks.results()}
    assert seen == {
        "fine": (Check.Status.PASS, "three"),
        "warns": (Check.Status.WARN, "nearly full"),
        "fails": (Check.Status.FAIL, "ConnectionError: gone"),
        "hangs": (Check.Status.FAIL, "has not returned for 0.05 s"),
        "stops": (Check.Status.FAIL, "RuntimeError: StopIteration left the check"),
    }


@pytest.mark.parametrize(("flags", "assignment"), [(0, b""), (wire.REQUEST_ASSIGNED, b"service.bench=2.0")])
async def test_a_version_that_was_decided_on_is_handed_on(flags: int, assignment: bytes) -> None:
    bench = Bench()
    route = wire.encode_request_route(wire.RequestRoute(1, "2.0", "i", "operator", "", ""))
    name = b"/service/bench/carried"
    bench.server.requested(
        wire.encode(wire.REQUEST, flags=flags, correlation=1, remaining_ms=5000, route=route, name=name)
    )
    await bench.outcome(1)
    carried = wire.decode_fields(bytes.fromhex(StringValue.FromString(bench.out[0].payload).value))
    assert carried.get(wire.TAG_ASSIGNMENT, b"") == assignment
