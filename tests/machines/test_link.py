"""The link to the own broker under any order of events: one outcome a question, and none that claims too much.

Loop, clock and streams are models; the link, its line and its outbox are the real ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from h2o_core.envelope import ANSWER, HELLO, REQUEST, WELCOME, WIRE, decode, encode
from h2o_core.errors import Executed
from h2o_core.io import line as line_module, link as link_module
from h2o_core.io.link import GRACE_NS, Link, Listener
from h2o_core.io.stream import StreamClosed
from h2o_core.io.waiting import Ended
from h2o_core.pb.registration_pb2 import Welcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_core.io.waiting import Outcome

MS = 1_000_000
KERNEL_TAKES = 3
"""Frames that fit into a stream whose other end does not read."""


class Handle:
    """A call that may be taken back."""

    def __init__(self, at_ns: int, call: Callable[[], object]) -> None:
        self.at_ns = at_ns
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


def _when(handle: Handle) -> int:
    return handle.at_ns


class ModelLoop:
    """What a link uses of a loop; nothing happens before `turn` or `pass_ns`."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000
        self.readers: dict[int, Callable[[], object]] = {}
        self.writers: dict[int, Callable[[], object]] = {}
        self._soon: deque[Handle] = deque()
        self._later: list[Handle] = []
        self._futures = asyncio.new_event_loop()

    def create_future(self) -> asyncio.Future[Any]:
        return self._futures.create_future()

    def call_soon(self, call: Callable[..., object], *arguments: Any) -> Handle:
        handle = Handle(self.now_ns, lambda: call(*arguments))
        self._soon.append(handle)
        return handle

    def call_later(self, delay_s: float, call: Callable[..., object], *arguments: Any) -> Handle:
        handle = Handle(self.now_ns + int(delay_s * 1e9), lambda: call(*arguments))
        self._later.append(handle)
        return handle

    def add_reader(self, number: int, call: Callable[[], object]) -> None:
        self.readers[number] = call

    def add_writer(self, number: int, call: Callable[[], object]) -> None:
        self.writers[number] = call

    def remove_reader(self, number: int) -> None:
        self.readers.pop(number, None)

    def remove_writer(self, number: int) -> None:
        self.writers.pop(number, None)

    def turn(self) -> None:
        """All that is to be done now."""
        while self._soon:
            handle = self._soon.popleft()
            if not handle.cancelled:
                handle.call()

    def pass_ns(self, nanoseconds: int) -> None:
        """Time passes, timer by timer."""
        until_ns = self.now_ns + nanoseconds
        self.turn()
        while True:
            self._later = [handle for handle in self._later if not handle.cancelled]
            self._later.sort(key=_when)
            if not self._later or self._later[0].at_ns > until_ns:
                break
            due = self._later[0]
            self._later.remove(due)
            self.now_ns = max(self.now_ns, due.at_ns)
            due.call()
            self.turn()
        self.now_ns = until_ns

    def close(self) -> None:
        self._futures.close()


class Broker:
    """Who listens. `got`: the frames that it has read; `reads` is False while it is stopped."""

    def __init__(self, incarnation: int, loop: ModelLoop) -> None:
        self.incarnation = incarnation
        self.loop = loop
        self.reads = True
        self.alive = True
        self.got: list[bytes] = []
        self.given: list[tuple[int, bytes]] = []
        """What was given to the stream to it, and when."""
        self.read: set[bytes] = set()
        """Questions."""
        self.says: list[bytes] = []
        self.stream: ModelStream | None = None

    def hears(self, frames: list[bytes]) -> None:
        self.got += frames
        for raw in frames:
            frame = decode(raw)
            if frame.type == REQUEST:
                self.read.add(frame.payload)
            elif frame.type == HELLO:
                welcome = Welcome(wire=WIRE, incarnation=self.incarnation).SerializeToString()
                self.says.append(encode(WELCOME, correlation=frame.correlation, payload=welcome))


class ModelStream:
    """A Stream as the line sees it."""

    numbers = iter(range(10, 1 << 30))

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.fileno = next(self.numbers)
        self.pending: list[bytes] = []
        self.on_the_way: list[bytes] = []
        """Taken by the kernel, or by the stream itself; the broker has not read it."""
        self.stalled = False
        broker.stream = self

    def flush(self) -> bool:
        if not self.broker.alive:
            raise StreamClosed
        if self.stalled:
            return False
        frames, self.pending = self.pending, []
        self.broker.given += [(self.broker.loop.now_ns, frame) for frame in frames]
        if self.broker.reads:
            self.broker.hears(frames)
            return True
        self.on_the_way += frames
        self.stalled = len(self.on_the_way) > KERNEL_TAKES
        return not self.stalled

    def resume(self) -> bool:
        if not self.broker.alive:
            raise StreamClosed
        if not self.broker.reads:
            return False
        frames, self.on_the_way = self.on_the_way, []
        self.broker.hears(frames)
        self.stalled = False
        return not self.pending or self.flush()

    def read(self) -> list[bytes]:
        frames, self.broker.says = self.broker.says, []
        if not frames and not self.broker.alive:
            raise StreamClosed
        return frames

    def close(self) -> None:
        self.broker.stream = None


class Asked:
    """A question, and what became of it."""

    def __init__(self, frame: bytes, deadline_ns: int, future: asyncio.Future[Outcome]) -> None:
        self.correlation = decode(frame).correlation
        self.question = decode(frame).payload
        self.deadline_ns = deadline_ns
        self.future = future


class LinkMachine(RuleBasedStateMachine):
    """Questions, and brokers that start, die, stop reading, answer late, twice, or out of order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = ModelLoop()
        self.broker: Broker | None = None
        self.brokers: list[Broker] = []
        self.asked: list[Asked] = []
        self.answers: dict[bytes, set[bytes]] = {}
        """Question → all answers that were given to it, by the broker that had read it."""
        clock = lambda: self.loop.now_ns  # noqa: E731 - patched in twice
        self.patches = [
            patch.object(link_module, "monotonic_ns", clock),
            patch.object(line_module, "monotonic_ns", clock),
            patch.object(line_module, "open_stream", self._open),
            patch.object(asyncio, "get_running_loop", lambda: self.loop),
        ]
        for each in self.patches:
            each.start()
        self.link = Link("unix:/nowhere", self._listener())

    def _listener(self) -> Listener | None:
        return None

    def _open(self, _line: object) -> ModelStream:
        if self.broker is None or not self.broker.alive:
            raise ConnectionRefusedError
        return ModelStream(self.broker)

    def _readable(self) -> None:
        """Tell the link what there is to read, as a loop would, and have its turn."""
        for _ in range(3):
            for call in list(self.loop.readers.values()):
                call()
            self.loop.turn()

    # ------------------------------------------------------------------ what happens

    @rule(remaining_ms=st.sampled_from([1, 50, 400, 5000]), turn=st.booleans())
    def ask(self, remaining_ms: int, turn: bool) -> None:
        correlation = self.link.next_correlation()
        number = len(self.asked).to_bytes(4, "big")
        frame = encode(REQUEST, correlation=correlation, remaining_ms=remaining_ms, payload=number)
        deadline_ns = self.loop.now_ns + remaining_ms * MS
        self.asked.append(Asked(frame, deadline_ns, self.link.submit(correlation, frame, deadline_ns)))
        if turn:
            self.loop.turn()

    @precondition(lambda self: self.broker is None)
    @rule()
    def broker_starts(self) -> None:
        self.broker = Broker(len(self.brokers) + 1, self.loop)
        self.brokers.append(self.broker)

    @precondition(lambda self: self.broker is not None)
    @rule(notice=st.booleans(), next_one=st.booleans())
    def broker_dies(self, notice: bool, next_one: bool) -> None:
        assert self.broker is not None
        dead, self.broker = self.broker, None
        dead.alive = False
        if next_one:
            self.broker_starts()
        if notice and dead.stream is not None:
            self._readable()
            waiting = [one for one in self.asked if one.question in dead.read and not one.future.done()]
            assert not waiting, "the broker is gone, and its questions still wait"

    @precondition(lambda self: self.broker is not None and self.broker.reads)
    @rule()
    def broker_stops_reading(self) -> None:
        assert self.broker is not None
        self.broker.reads = False

    @precondition(lambda self: self.broker is not None and not self.broker.reads)
    @rule()
    def broker_reads_again(self) -> None:
        assert self.broker is not None
        self.broker.reads = True
        if self.broker.stream is not None and self.broker.stream.on_the_way and not self.broker.stream.stalled:
            self.broker.stream.resume()
        for call in list(self.loop.writers.values()):
            call()
        self.loop.turn()

    @precondition(lambda self: self.broker is not None and self.broker.read)
    @rule(data=st.data(), twice=st.booleans(), notice=st.booleans())
    def broker_answers(self, data: st.DataObject, twice: bool, notice: bool) -> None:
        assert self.broker is not None
        question = data.draw(st.sampled_from([raw for raw in self.broker.got if raw[1] == REQUEST]))
        frame = decode(question)
        answer = encode(ANSWER, flags=2, correlation=frame.correlation, payload=frame.payload)
        self.answers.setdefault(frame.payload, set()).add(answer)
        self.broker.says += [answer] * (1 + twice)
        if notice:
            self._readable()

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def caller_gives_up(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(self.asked))
        if not one.future.done():
            one.future.cancel()
            self.link.abandon(one.correlation)
            self.loop.turn()

    @rule(milliseconds=st.sampled_from([1, 12, 40, 300, 2000]))
    def time_passes(self, milliseconds: int) -> None:
        self.loop.pass_ns(milliseconds * MS)

    # ------------------------------------------------------------------ what must hold

    @invariant()
    def no_question_is_given_more_time_than_it_has(self) -> None:
        for broker in self.brokers:
            given, broker.given = broker.given, []
            for given_ns, raw in given:
                frame = decode(raw)
                if frame.type == REQUEST:
                    one = self.asked[int.from_bytes(frame.payload, "big")]
                    assert not frame.remaining_ms or given_ns + frame.remaining_ms * MS <= one.deadline_ns

    def teardown(self) -> None:
        try:
            self.loop.pass_ns(10_000 * MS)
            for one in self.asked:
                assert one.future.done(), f"no outcome {(self.loop.now_ns - one.deadline_ns - GRACE_NS) / MS} ms late"
                if not one.future.cancelled():
                    self._judge(one)
        finally:
            self.link.close()
            for each in self.patches:
                each.stop()
            self.loop.close()

    def _judge(self, one: Asked) -> None:
        outcome = one.future.result()
        read = [broker for broker in self.brokers if one.question in broker.read]
        assert len(read) <= 1, "two brokers were given the same request"
        if isinstance(outcome, Ended):
            assert outcome.executed is not Executed.YES
            assert outcome.executed is Executed.UNKNOWN or not read, "told not executed, and a broker has it"
        else:
            assert outcome in self.answers.get(one.question, set()), "the answer to another question"


class InstanceLinkMachine(LinkMachine):
    """The same link with a listener: it looks for a broker by itself, and greets it."""

    def _listener(self) -> Listener | None:
        return Listener()

    def teardown(self) -> None:
        if self.broker is not None:
            self.loop.turn()
            self.broker_reads_again()
            self._readable()
            self.loop.pass_ns(1000 * MS)
            self._readable()
            assert self.link.incarnation == self.broker.incarnation, "a broker is there, and was not found"
        super().teardown()


for machine in (LinkMachine, InstanceLinkMachine):
    machine.TestCase.settings = settings(deadline=None, stateful_step_count=40)
TestLink = pytest.mark.timeout(240)(LinkMachine.TestCase)
TestInstanceLink = pytest.mark.timeout(240)(InstanceLinkMachine.TestCase)
