"""The link to the own broker: one socket on one loop, and every question on it until its one answer.

Used by clients and instances alike. What has come is read in one go, and what a turn of the loop has to say is
sent in one go (h2o_core.io.stream). A future that waits for an answer is resolved with the answer's raw frame,
or with an `Ended` that the link makes up when no answer can come: deadline passed, broker gone, link closed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import struct
from threading import get_ident
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import (
    ANSWER,
    CANCEL,
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
    decode,
    encode,
)
from h2o_core.errors import Code, Executed, H2OError
from h2o_core.io.clock import monotonic_ns
from h2o_core.io.outbox import Outbox, correlation_of
from h2o_core.io.stream import Stream, StreamClosed, connect
from h2o_core.io.timers import Timers
from h2o_core.io.waiting import Ended, Outcome, Waiting
from h2o_core.pb.registration_pb2 import Hello, Welcome

if TYPE_CHECKING:
    from collections.abc import Callable

_log = logging.getLogger("h2o.link")

GRACE_NS: Final = 50_000_000
"""The SDK gives up this long after the deadline: brokers, who know more, answer first."""
PATIENCE_NS: Final = 250_000_000
"""How long a frame waits for a broker to be there, when it can't be sent at once."""
SEEK_S: Final = 0.03
_RETRY_S: Final = 0.01
_GREET_AGAIN_S: Final = 0.02
_LEAST_ALARM_S: Final = 0.001
_DRAIN_READS: Final = 64
SEND_AT: Final = 32
"""So many frames go at once: the broker is at work on them while this loop makes the next (decision 0005)."""
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


def open_stream(endpoint: str, _link: Link) -> Stream:
    """Where every link's stream comes from; a bench puts another transport in its place."""
    return connect(endpoint)


class Link:
    """One stream on the running loop. Not thread-safe: everything happens on that loop."""

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
        self._listener = listener or Listener()
        self._always = listener is not None
        self._call_soon = self.loop.call_soon
        self._waiting = Waiting(self.loop)
        self._parts: dict[int, list[bytes]] = {}
        """What has come of answers to ASK that come in parts."""
        self.next_correlation = self._waiting.next_correlation
        self._outbox = Outbox()
        self._flushing = False
        self._absent_since_ns = 0
        self._absence = ""
        self._timers = Timers(self.loop)
        self._stream: Stream | None = None
        self.closed = False
        if self._always:
            self._call_soon(self._seek)

    def _connected(self) -> Stream | None:
        """The stream, opened now if need be; None while no broker is there."""
        if self._stream is None:
            try:
                stream = self._stream = open_stream(self.endpoint, self)
            except OSError as error:
                self._absence = error.strerror or str(error)
                return None
            self._absent_since_ns = 0
            self.loop.add_reader(stream.fileno, self.read)
            if self._always:
                self.post(_hello("package", 0))
        return self._stream

    def _disconnect(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self.loop.remove_reader(stream.fileno)
            self.loop.remove_writer(stream.fileno)
            stream.close()

    def _seek(self) -> None:
        """Find a broker, and go on until there is one; jittered: a host's instances must not all knock at once."""
        if not self.closed and self._connected() is None:
            self._timers.set("seek", SEEK_S * random.uniform(0.5, 1.5), self._seek)

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
        if len(waiting) > MAX_SENT:
            self._outbox.held.append(frame)
        else:
            self.post(frame)
        return future

    def post(self, frame: bytes) -> None:
        """Send *frame* with the others of this turn; nobody waits for an answer."""
        frames = self._outbox.frames
        frames.append(frame)
        if not self._flushing:
            self._flushing = True
            self._call_soon(self._flush)
        elif len(frames) == SEND_AT:
            self._flush()
            self._flushing = True

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

    # --- sending ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        self._flushing = False
        outbox = self._outbox
        if self.closed or not outbox.frames:
            return
        stream = self._stream or self._connected()
        if stream is None:
            self._nobody_there()
        elif not stream.stalled:
            stream.pending, outbox.frames = outbox.frames, []
            self._send(stream, stream.flush)

    def _send(self, stream: Stream, send: Callable[[], bool]) -> None:
        try:
            if not send():
                self.loop.add_writer(stream.fileno, self._resume)
        except StreamClosed:
            self._outbox.frames[:0] = stream.pending
            self._drain_first()
            self._lost("the broker went away before it answered")

    def _resume(self) -> None:
        """The broker reads again: what has waited meanwhile goes, too."""
        stream = self._stream
        if stream is not None:
            self.loop.remove_writer(stream.fileno)
            self._send(stream, stream.resume)
            self._flush()

    def _nobody_there(self) -> None:
        """What waits to be sent does so for a while only."""
        now_ns = monotonic_ns()
        if not self._absent_since_ns:
            self._absent_since_ns = now_ns
        if now_ns - self._absent_since_ns >= PATIENCE_NS:
            for correlation in self._outbox.questions():
                self._end(correlation, self._unavailable())
            self._outbox.clear()
        elif "retry" not in self._timers:
            self._timers.set("retry", _RETRY_S, self._flush)

    def _unavailable(self) -> Ended:
        message = f"no broker at {self.endpoint} ({self._absence}), nothing was sent"
        return Ended(Code.UNAVAILABLE, Executed.NO, message, NO_BROKER_HINT)

    # --- reading ----------------------------------------------------------------------------------

    def read(self) -> bool:
        """Take in what one `recv` brings; False when that was nothing."""
        stream = self._stream
        if stream is None:
            return False
        try:
            frames = stream.read()
        except StreamClosed:
            self._lost("the broker went away before it answered")
            return False
        resolve = self._waiting.resolve
        for frame in frames:
            try:
                kind = frame[1]
                if kind == ANSWER:
                    if not resolve(correlation_of(frame), frame):
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
        return bool(frames)

    def _release_held(self) -> None:
        """Answers arrived, so some of the questions that were held back may go."""
        room = MAX_SENT - (len(self._waiting) - len(self._outbox.held))
        for frame in self._outbox.release(room, self._waiting):
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

    # --- the broker's life ------------------------------------------------------------------------

    def _met(self, incarnation: int) -> None:
        if incarnation == self.incarnation:
            return
        if self.incarnation:
            self._lost("the broker was restarted before it answered")
            return
        self.incarnation = incarnation
        self._listener.found(incarnation)

    def _lost(self, message: str) -> None:
        """End everything that the broker was given and will never answer now; look for the next one."""
        if self._stream is None:
            return
        self._disconnect()
        self.incarnation = 0
        # Answers must not reach the next broker: their correlations are the old one's.
        self._outbox.keep_questions()
        unsent = self._outbox.questions()
        for correlation in self._waiting.correlations():
            if correlation not in unsent:
                self._end(correlation, Ended(Code.OUTCOME_UNKNOWN, Executed.UNKNOWN, message))
        self._listener.lost()
        if self._always:
            self._seek()
        if self._outbox.frames:
            self._nobody_there()

    # --- deadlines --------------------------------------------------------------------------------

    def _set_alarm(self) -> None:
        wakeup_ns = self._waiting.next_alarm_ns()
        if wakeup_ns is not None:
            self._timers.set("alarm", max((wakeup_ns - monotonic_ns()) / _NS, _LEAST_ALARM_S), self._on_alarm)

    def _on_alarm(self) -> None:
        self._drain_first()
        due = self._waiting.due(monotonic_ns())
        if due:
            unsent = self._outbox.questions()
            for correlation in due:
                if correlation not in unsent:
                    self._end(correlation, Ended(Code.TIMEOUT, Executed.UNKNOWN, "no answer within the deadline"))
                    self.post(encode(CANCEL, correlation=correlation))
                elif self._absent_since_ns:
                    self._end(correlation, self._unavailable())
                else:
                    crowd = f"waited behind {len(self._waiting)} other calls of this client until its deadline"
                    self._end(correlation, Ended(Code.TIMEOUT, Executed.NO, crowd))
            self._outbox.keep_wanted(self._waiting)
        self._set_alarm()

    def _drain_first(self) -> None:
        """Answers that have arrived while this loop was busy count, whatever the clock says now."""
        for _ in range(_DRAIN_READS):
            if not self.read():
                return

    def _end(self, correlation: int, outcome: Outcome) -> None:
        if not self._waiting.resolve(correlation, outcome):
            self.late += 1

    # --- the end ------------------------------------------------------------------------------------

    def close(self) -> None:
        """Send what this turn has collected, end what is in flight, close the socket. Idempotent."""
        if self.closed:
            return
        self._flush()
        self.closed = True
        self._timers.close()
        unsent = self._outbox.questions()
        for correlation in self._waiting.correlations():
            if correlation in unsent:
                ended = Ended(Code.UNAVAILABLE, Executed.NO, "the client was closed before this was sent")
            else:
                ended = Ended(Code.OUTCOME_UNKNOWN, Executed.UNKNOWN, "the client was closed before the answer came")
            self._end(correlation, ended)
        self._disconnect()


def _hello(program: str, correlation: int) -> bytes:
    hello = Hello(wire=WIRE, program=program, pid=os.getpid())
    return encode(HELLO, correlation=correlation, payload=hello.SerializeToString())


def _no_broker(endpoint: str) -> H2OError:
    message = f"no broker answers at {endpoint}"
    return H2OError(message, code=Code.UNAVAILABLE, executed=Executed.NO, hint=NO_BROKER_HINT)
