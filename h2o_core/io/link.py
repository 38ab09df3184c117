"""The link to the own broker: one line on one loop, and every question on it until its one answer.

Used by clients and instances alike. A future that waits for an answer is resolved with the answer's raw frame, or
with an `Ended` that the link makes up when no answer can come: deadline passed, broker gone, link closed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import struct
from threading import get_ident
from typing import Final

from h2o_core.envelope import (
    ANSWER,
    CANCEL,
    CORRELATION_AT,
    HELLO,
    LEFT,
    PING,
    PING_BODY,
    PONG,
    REGISTERED,
    REQUEST,
    TOLD,
    TOLD_MORE,
    WELCOME,
    WIRE,
    Frame,
    MalformedFrame,
    correlation_at,
    decode,
    encode,
)
from h2o_core.errors import Code, Executed, H2OError
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.line import Line
from h2o_core.io.timers import Timers
from h2o_core.io.waiting import Ended, Outcome, Waiting
from h2o_core.pb.registration_pb2 import Hello, Welcome

_log = logging.getLogger("h2o.link")

GRACE_NS: Final = 50_000_000
"""The SDK gives up this long after the deadline: brokers, who know more, answer first."""
_GREET_AGAIN_S: Final = 0.02
_LEAST_ALARM_S: Final = 0.001
MAX_SENT: Final = 16_384
"""Questions on the way at the same time; the rest waits here."""

_NS: Final = 1_000_000_000
_RESOLVING: Final = frozenset({WELCOME, REGISTERED})
NO_BROKER_HINT: Final = "start a fleet on this machine: h2o dev; or set H2O_BROKER to the directory of broker.sock"


class Listener:
    """What an instance wants to hear from its link; a plain client hears nothing. Called on the loop."""

    def requested(self, frame: bytes) -> None:
        """A REQUEST arrived."""

    def cancelled(self, correlation: int) -> None:
        """A CANCEL arrived: nobody waits for this request any more."""

    def left(self) -> None:
        """Nothing is in flight and nothing will come: the answer to LEAVE."""

    def found(self, incarnation: int) -> None:
        """A broker is there, another than before or for the first time."""

    def lost(self) -> None:
        """The broker is gone; what was sent to it has ended."""


class Link:
    """Questions and answers on the running loop. Not thread-safe: everything happens on that loop."""

    def __init__(self, endpoint: str, listener: Listener | None = None) -> None:
        """Nobody needs to be at *endpoint* yet. A link with a *listener* looks for a broker by itself and greets it."""
        self.endpoint = endpoint
        self.loop = asyncio.get_running_loop()
        self.thread_ident = get_ident()
        """Whose thread the loop runs in: asked for each call, and `get_running_loop` costs a system call."""
        self.incarnation = 0
        """Of the broker that has answered; 0 while none is known."""
        self.late = 0
        """Answers that nobody waited for any more."""
        self.malformed = 0
        self.closed = False
        self._listener = listener or Listener()
        self._greets = listener is not None
        self._waiting = Waiting(self.loop)
        self._parts: dict[int, list[bytes]] = {}
        """What has come of answers to ASK that come in parts."""
        self._timers = Timers(self.loop)
        self._line = Line(endpoint, self.loop, self)
        self._outbox = self._line.outbox
        self.next_correlation = self._waiting.next_correlation
        self.post = self._line.post
        """Send a frame with the others of this turn; nobody waits for an answer."""
        if self._greets:
            self.loop.call_soon(self._line.seek)

    # --- asking -----------------------------------------------------------------------------------

    def submit(self, correlation: int, frame: bytes, deadline_ns: int) -> asyncio.Future[Outcome]:
        """Send *frame* and wait for the answer that has its correlation, until *deadline_ns* and the grace."""
        waiting = self._waiting
        give_up_ns = deadline_ns + GRACE_NS
        future = waiting.add(correlation, give_up_ns)
        if self.closed:
            closed = Ended(Code.UNAVAILABLE, Executed.NO, "this client is closed; nothing was sent")
            waiting.resolve(correlation, closed)
            return future
        if give_up_ns < waiting.alarm_ns:
            self._set_alarm()
        if len(waiting.table) > MAX_SENT:
            self._outbox.hold(frame, monotonic_ns())
        else:
            self.post(frame)
        return future

    def abandon(self, correlation: int) -> None:
        """The caller does not want the answer any more: tell the broker."""
        if self._waiting.forget(correlation):
            self.post(encode(CANCEL, correlation=correlation))

    async def greet(self, program: str, timeout_s: float) -> Welcome:
        """HELLO until a broker says WELCOME; raises H2OError UNAVAILABLE after *timeout_s*."""
        deadline_ns = monotonic_ns() + int(timeout_s * _NS)
        while True:
            correlation = self.next_correlation()
            outcome = await self.submit(correlation, _hello(program, correlation), deadline_ns)
            if isinstance(outcome, bytes):
                return Welcome.FromString(decode(outcome).payload)
            if monotonic_ns() >= deadline_ns:
                raise _no_broker(self.endpoint)
            await asyncio.sleep(_GREET_AGAIN_S)

    # --- what the line says -----------------------------------------------------------------------

    def opened(self) -> None:
        """A broker is there: an instance says who it is, to learn who that is."""
        if self._greets:
            self.post(_hello("package", 0))

    def ended(self, message: str) -> None:
        """End everything that the broker was given and will never answer now."""
        self.incarnation = 0
        # Answers must not reach the next broker: their correlations are the old one's.
        self._outbox.keep_questions()
        unsent = self._outbox.questions()
        for correlation in self._waiting.correlations():
            if correlation not in unsent:
                self._end(correlation, Ended(Code.OUTCOME_UNKNOWN, Executed.UNKNOWN, message))
        self._listener.lost()

    def given_up(self, reason: str) -> None:
        """End what nobody was there to take."""
        for correlation in self._outbox.questions():
            self._end(correlation, self._unavailable(reason))
        self._outbox.clear()

    def _unavailable(self, reason: str) -> Ended:
        message = f"no broker at {self.endpoint} ({reason}), nothing was sent"
        return Ended(Code.UNAVAILABLE, Executed.NO, message, NO_BROKER_HINT)

    def arrived(self, frames: list[bytes]) -> None:
        """Answers go to who waits, the rest to the listener."""
        resolve = self._waiting.resolve
        for frame in frames:
            try:
                kind = frame[1]
                if kind == ANSWER:
                    if not resolve(correlation_at(frame, CORRELATION_AT)[0], frame):
                        self.late += 1
                elif kind == REQUEST:
                    self._listener.requested(frame)
                else:
                    self._read_rare(kind, frame)
            except (IndexError, struct.error, MalformedFrame):
                self._note_malformed(frame)
            except Exception:  # noqa: BLE001 - one frame's trouble must not cost the link
                _log.exception("a frame from the broker could not be handled")
        if self._outbox.held:
            self._release_held()

    def _release_held(self) -> None:
        """Answers arrived, so some of the questions that were held back may go."""
        room = MAX_SENT - (len(self._waiting) - len(self._outbox.held))
        for frame in self._outbox.release(room, self._waiting, monotonic_ns()):
            self.post(frame)

    def _read_rare(self, kind: int, frame: bytes) -> None:
        parsed = decode(frame)
        if kind == PING:
            self._answer_ping(parsed.payload)
        elif kind == CANCEL:
            self._listener.cancelled(parsed.correlation)
        elif kind == LEFT:
            self._listener.left()
        elif kind == TOLD:
            self._told(parsed, frame)
        elif kind in _RESOLVING:
            if kind == WELCOME:
                self._met(Welcome.FromString(parsed.payload).incarnation)
            if parsed.correlation:
                self._end(parsed.correlation, frame)
        else:
            self._note_malformed(frame)

    def _told(self, parsed: Frame, frame: bytes) -> None:
        """An answer to ASK may come in parts; the future gets one frame all the same."""
        correlation = parsed.correlation
        if parsed.flags & TOLD_MORE:
            wanted = {each: parts for each, parts in self._parts.items() if each in self._waiting}
            if correlation in self._waiting:
                wanted.setdefault(correlation, []).append(parsed.payload)
            self._parts = wanted
            return
        parts = self._parts.pop(correlation, None)
        if parts is not None:
            frame = encode(TOLD, correlation=correlation, payload=b"".join((*parts, parsed.payload)))
        self._end(correlation, frame)

    def _note_malformed(self, frame: bytes) -> None:
        self.malformed += 1
        if self.malformed & self.malformed - 1 == 0:  # the 1st, 2nd, 4th, 8th…: a flood says no more
            _log.warning("dropped %d frames that make no sense, the last began %r", self.malformed, frame[:32])

    def _answer_ping(self, body: bytes) -> None:
        incarnation, clock_ns = PING_BODY.unpack(body)
        self.post(encode(PONG, payload=PING_BODY.pack(0, clock_ns)))
        self._met(incarnation)

    def _met(self, incarnation: int) -> None:
        if incarnation == self.incarnation:
            return
        if self.incarnation:
            self._line.lose("the broker was restarted before it answered")
            return
        self.incarnation = incarnation
        self._listener.found(incarnation)

    # --- deadlines --------------------------------------------------------------------------------

    def _set_alarm(self) -> None:
        wakeup_ns = self._waiting.next_alarm_ns()
        if wakeup_ns is not None:
            self._timers.set("alarm", max((wakeup_ns - monotonic_ns()) / _NS, _LEAST_ALARM_S), self._on_alarm)

    def _on_alarm(self) -> None:
        self._line.read_all()
        due = self._waiting.due(monotonic_ns())
        if due:
            unsent = self._outbox.questions()
            for correlation in due:
                if correlation not in unsent:
                    self._end(correlation, Ended(Code.TIMEOUT, Executed.UNKNOWN, "no answer within the deadline"))
                    self.post(encode(CANCEL, correlation=correlation))
                elif self._line.absence:
                    self._end(correlation, self._unavailable(self._line.absence))
                else:
                    crowd = f"waited behind {len(self._waiting)} other calls of this client until its deadline"
                    self._end(correlation, Ended(Code.TIMEOUT, Executed.NO, crowd))
            self._outbox.keep_wanted(self._waiting)
        self._set_alarm()

    def _end(self, correlation: int, outcome: Outcome) -> None:
        if not self._waiting.resolve(correlation, outcome):
            self.late += 1

    # --- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what this turn has collected, end what is in flight, close the socket. Idempotent."""
        if self.closed:
            return
        self._line.close()
        self.closed = True
        self._timers.close()
        unsent = self._outbox.questions()
        for correlation in self._waiting.correlations():
            if correlation in unsent:
                ended = Ended(Code.UNAVAILABLE, Executed.NO, "the client was closed before this was sent")
            else:
                ended = Ended(Code.OUTCOME_UNKNOWN, Executed.UNKNOWN, "the client was closed before the answer came")
            self._end(correlation, ended)


def _hello(program: str, correlation: int) -> bytes:
    hello = Hello(wire=WIRE, program=program, pid=os.getpid())
    return encode(HELLO, correlation=correlation, payload=hello.SerializeToString())


def _no_broker(endpoint: str) -> H2OError:
    message = f"no broker answers at {endpoint}"
    return H2OError(message, code=Code.UNAVAILABLE, executed=Executed.NO, hint=NO_BROKER_HINT)
