"""An independent client of the local broker: a plain socket, docs/wire.md, and a list of all that it was told.

It runs in a thread of its own. Loads are added while it runs; each request id is kept for good with every answer
that comes for it, so that a second one is seen::

    with CountingClient(endpoint) as client:
        client.add(Load("/service/counting/look", idempotent=True, in_flight=8))
        ...
        requests = client.finish()
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from tests.counting import wire
from tests.counting.account import Answer, Request
from tests.counting.stream import Ended, Stream

if TYPE_CHECKING:
    from types import TracebackType

GRACE_S: Final = 0.05
"""After the deadline the client makes the answer up."""
PATIENCE_S: Final = 0.25
"""So long a request waits for a broker to be there."""
_PING_S: Final = 0.1
_TURN_S: Final = 0.005
_REST_S: Final = 0.02
"""A closed loop pauses so long after a failure: whoever refuses at once would be asked without end."""
_LOT: Final = 64
_JOIN_S: Final = 10.0
_TYPES: Final = wire.types_hash(Duration.DESCRIPTOR.full_name, StringValue.DESCRIPTOR.full_name)


@dataclass(frozen=True, slots=True)
class Load:
    """Requests to send: a closed loop of `in_flight`, or an open one of `rate_per_s`; `count` of them, or no end."""

    feature: str
    idempotent: bool
    in_flight: int = 0
    rate_per_s: float = 0.0
    count: int = 0
    deadline_s: float = 1.0
    delay_s: float = 0.0
    """How long the handler is to take."""


class _Running:
    """A load, and how far it is."""

    def __init__(self, load: Load, now_s: float) -> None:
        self.load = load
        self.payload = Duration(seconds=int(load.delay_s), nanos=int(load.delay_s % 1 * 1e9)).SerializeToString()
        self.issued = 0
        self.in_flight = 0
        self._next_s = now_s

    @property
    def lacks(self) -> bool:
        """It has a count and is not there yet."""
        return self.issued < self.load.count

    def due(self, now_s: float) -> bool:
        """Is it time for one more?"""
        load = self.load
        if load.count and not self.lacks:
            return False
        if load.rate_per_s:
            return now_s >= self._next_s
        return self.in_flight < load.in_flight

    def issue(self) -> None:
        """One more is on its way."""
        self.issued += 1
        self.in_flight += 1
        if self.load.rate_per_s:
            self._next_s += 1 / self.load.rate_per_s

    def rest(self, now_s: float) -> None:
        """It is paused: what would have been due is not made up for later."""
        self._next_s = max(self._next_s, now_s)


class _Asked:
    """One request while its answers come in."""

    __slots__ = ("answers", "correlation", "deadline_s", "due_s", "id", "of")

    def __init__(self, of: _Running, number: int, prefix: bytes, due_s: float) -> None:
        self.of = of
        self.correlation = number
        self.id = prefix + number.to_bytes(8, "big")
        self.due_s = due_s
        self.deadline_s = due_s + of.load.deadline_s
        self.answers: list[Answer] = []

    def frame(self, now_s: float) -> bytes:
        """What is sent at *now_s*."""
        remaining_ms = max(1, round((self.deadline_s - now_s) * 1e3))
        feature, payload = self.of.load.feature, self.of.payload
        return wire.pack_request(
            self.id, feature, _TYPES, payload, correlation=self.correlation, remaining_ms=remaining_ms
        )

    def told(self) -> Request:
        """For the account."""
        load = self.of.load
        return Request(self.id.hex(), load.feature, load.idempotent, self.due_s, self.deadline_s, tuple(self.answers))


class CountingClient:
    """One link at a time to *endpoint* (``unix:…/broker.sock``)."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.oks = 0
        """Requests that have been served so far."""
        self.malformed = 0
        self.strays = 0
        """Answers to what was never asked."""
        self.brokers: set[int] = set()
        """The incarnations that it has met."""
        self._prefix = os.urandom(8)
        self._lock = threading.Lock()
        self._new: list[Load] = []
        self._paused = False
        self._ending = False
        self._failure: BaseException | None = None
        self._loads: list[_Running] = []
        self._all: dict[int, _Asked] = {}
        self._unsent: deque[_Asked] = deque()
        self._open: dict[int, _Asked] = {}
        self._resting: deque[tuple[float, _Running]] = deque()
        self._incarnation = 0
        self._ping_due_s = 0.0
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._live, name=f"counting client of {endpoint}", daemon=True)

    # ------------------------------------------------------------------ from any thread

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ending = True
        self._thread.join(_JOIN_S)
        if kind is None and self._failure is not None:
            raise self._failure

    def add(self, load: Load) -> None:
        """Begin to send."""
        with self._lock:
            self._new.append(load)

    def pause(self) -> None:
        """Send nothing new, and wait until everything sent has its answer. Counted loads are sent whole first."""
        self._paused = True
        give_up_s = time.monotonic() + _JOIN_S
        while not self.idle:
            if time.monotonic() > give_up_s or self._failure is not None:
                msg = f"{len(self._open)} requests have no answer yet"
                raise TimeoutError(msg) from self._failure
            time.sleep(_TURN_S)

    def resume(self) -> None:
        """Go on."""
        self._paused = False

    @property
    def idle(self) -> bool:
        """Everything that was begun has its answer (and nothing waits to be begun)."""
        with self._lock:
            return not (self._open or self._new or any(one.lacks for one in self._loads))

    def requests(self) -> list[Request]:
        """All so far, in the order of their ids."""
        with self._lock:
            return [asked.told() for asked in self._all.values()]

    def finish(self) -> list[Request]:
        """Pause, and tell of every request; the client can't be used after it."""
        self.pause()
        self._ending = True
        self._thread.join(_JOIN_S)
        if self._failure is not None:
            raise self._failure
        return self.requests()

    # ------------------------------------------------------------------ its own thread

    def _live(self) -> None:
        try:
            while not self._ending:
                self._turn()
        except BaseException as error:  # noqa: BLE001 - whoever waits for this thread gets to know
            self._failure = error
        finally:
            if self._stream is not None:
                self._stream.close()

    def _turn(self) -> None:
        now_s = time.monotonic()
        with self._lock:
            self._give_up(now_s)  # before anything is sent: this thread may have had no turn for seconds
            self._begin(now_s)
            try:
                stream = self._stream = self._stream or Stream(self.endpoint)
                self._send_due(stream, now_s)
            except Ended:
                self._lost()
        if self._stream is not None:
            self._stream.wait(_TURN_S)
        else:
            time.sleep(_TURN_S)
        with self._lock:
            self._hear()
            self._make_up(time.monotonic())

    def _begin(self, now_s: float) -> None:
        self._loads += [_Running(load, now_s) for load in self._new]
        self._new.clear()
        while self._resting and self._resting[0][0] <= now_s:
            self._resting.popleft()[1].in_flight -= 1
        for running in self._loads:
            if self._paused and not running.lacks:
                running.rest(now_s)
                continue
            while running.due(now_s):
                running.issue()
                asked = _Asked(running, len(self._all) + 1, self._prefix, now_s)
                self._all[asked.correlation] = self._open[asked.correlation] = asked
                self._unsent.append(asked)

    def _send_due(self, stream: Stream, now_s: float) -> None:
        """Raises Ended; part of what was being sent then may have arrived, so none of it is sent again."""
        stream.push()
        if stream.clogged:
            return
        if now_s >= self._ping_due_s:
            stream.send([wire.pack_ping(time.monotonic_ns())])
            self._ping_due_s = now_s + _PING_S
        while self._unsent and not stream.clogged:
            lot = [self._unsent.popleft() for _ in range(min(_LOT, len(self._unsent)))]
            stream.send([asked.frame(now_s) for asked in lot])

    def _give_up(self, now_s: float) -> None:
        """What nobody has taken for a while was not executed, and never will be: it leaves the queue."""
        stale = [one for one in self._unsent if now_s - one.due_s > min(PATIENCE_S, one.of.load.deadline_s)]
        if stale:
            self._unsent = deque(one for one in self._unsent if one not in stale)
        for asked in stale:
            self._end(asked, wire.UNAVAILABLE, wire.NO)

    def _lost(self) -> None:
        """The broker is gone, or is another: what was sent to it will never be answered by it."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        self._take_in(stream)
        stream.close()
        unsent = {asked.correlation for asked in self._unsent}
        for correlation, asked in list(self._open.items()):
            if correlation not in unsent:
                self._end(asked, wire.OUTCOME_UNKNOWN, wire.UNKNOWN)
        self._incarnation = 0
        self._ping_due_s = 0.0

    def _hear(self) -> None:
        if self._stream is not None and not self._take_in(self._stream):
            self._lost()

    def _take_in(self, stream: Stream) -> bool:
        """Read what has come; False when the stream has ended, or can't be read any further."""
        try:
            while frames := stream.receive():
                for data in frames:
                    try:
                        self._heard(stream, wire.unpack(data))
                    except wire.Malformed:
                        self.malformed += 1
        except Ended:
            return False
        except wire.Malformed:
            self.malformed += 1
            return False
        return True

    def _heard(self, stream: Stream, frame: wire.Frame) -> None:
        if frame.kind == wire.ANSWER:
            asked = self._all.get(frame.correlation)
            if asked is None:
                self.strays += 1
                return
            instance, host = frame.served_by
            self._end(asked, frame.code, frame.executed, instance, host, made_up=False)
        elif frame.kind in {wire.PING, wire.PONG}:
            incarnation, _ = wire.read_ping(frame)
            if frame.kind == wire.PING:
                with suppress(Ended):  # its end is read in its turn
                    stream.send([wire.pack_pong(frame)])
            if incarnation != self._incarnation:
                if self._incarnation:
                    self._incarnation = 0
                    self._lost()
                else:
                    self._incarnation = incarnation
                    self.brokers.add(incarnation)

    def _make_up(self, now_s: float) -> None:
        self._give_up(now_s)
        for asked in [one for one in self._open.values() if now_s >= one.deadline_s + GRACE_S]:
            self._end(asked, wire.TIMEOUT, wire.UNKNOWN)

    def _end(
        self,
        asked: _Asked,
        code: int,
        executed: int,
        instance: str = "",
        host: str = "",
        *,
        made_up: bool = True,
    ) -> None:
        now_s = time.monotonic()
        asked.answers.append(Answer(now_s, code, executed, made_up, instance, host))
        if self._open.pop(asked.correlation, None) is None:
            return
        if code == wire.OK:
            self.oks += 1
            asked.of.in_flight -= 1
        else:
            self._resting.append((now_s + _REST_S, asked.of))
