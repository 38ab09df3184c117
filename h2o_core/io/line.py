"""The stream to the own broker, one at a time: opened when there is something to say, or sought until it is there.

Frames go out together once a turn of the loop, and come in as many as one `recv` brings. What they mean is the
owner's business (h2o_core.io.link).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final, Protocol

from h2o_core.io.clock import monotonic_ns
from h2o_core.io.outbox import Outbox
from h2o_core.io.stream import Stream, StreamClosed, connect
from h2o_core.io.timers import Timers

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

PATIENCE_NS: Final = 250_000_000
"""How long a frame waits for a broker to be there, when it can't be sent at once."""
SEEK_S: Final = 0.03
SEND_AT: Final = 32
"""So many frames go at once: the broker is at work on them while this loop makes the next (decision 0005)."""
_RETRY_S: Final = 0.01
_MOST_READS: Final = 64


class Owner(Protocol):
    """Whose frames a line carries. Called on the loop."""

    def opened(self) -> None:
        """A broker is there; what the owner posts now goes to it."""

    def arrived(self, frames: list[bytes]) -> None:
        """What it says."""

    def ended(self, message: str) -> None:
        """It is gone, and will not answer what it was given; what is still in the outbox it was not given."""

    def given_up(self, reason: str) -> None:
        """Nobody was there for `PATIENCE_NS`: what is in the outbox will not be sent unless it stays there."""


def open_stream(line: Line) -> Stream:
    """Where every line's stream comes from (raises OSError); a bench puts another transport in its place."""
    return connect(line.endpoint)


class Line:
    """A stream to *endpoint*, or none at the moment. `seek` once to have one always; `post` to have one when needed."""

    def __init__(self, endpoint: str, loop: asyncio.AbstractEventLoop, owner: Owner) -> None:
        self.endpoint = endpoint
        self.loop = loop
        self.outbox = Outbox()
        self._owner = owner
        self._stream: Stream | None = None
        self._flushing = False
        self._seeking = False
        self._absent_since_ns = 0
        self._absence = ""
        self._timers = Timers(loop)
        self._closed = False

    @property
    def absence(self) -> str:
        """Why nobody is there, as the last attempt found it; "" when somebody is, or nobody has looked."""
        return self._absence

    # --- finding a broker -------------------------------------------------------------------------

    def seek(self) -> None:
        """Have a broker, from now on and whenever one is lost."""
        self._seeking = True
        if not self._closed and self._connected() is None:  # jittered: a host's instances must not knock all at once
            self._timers.set("seek", SEEK_S * random.uniform(0.5, 1.5), self.seek)

    def _connected(self) -> Stream | None:
        """The stream, opened now if need be; None while no broker is there."""
        if self._stream is None:
            try:
                stream = self._stream = open_stream(self)
            except OSError as error:
                self._absence = error.strerror or str(error)
                return None
            self._absent_since_ns = 0
            self._absence = ""
            self.loop.add_reader(stream.fileno, self.read)
            self._owner.opened()
        return self._stream

    def lose(self, message: str) -> None:
        """This broker is no good any more: end the stream, tell the owner, look for the next one."""
        if self._stream is None:
            return
        self._disconnect()
        self._owner.ended(message)
        if self._seeking:
            self.seek()
        if self.outbox.frames:
            self._nobody_there()

    def _disconnect(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            self.loop.remove_reader(stream.fileno)
            self.loop.remove_writer(stream.fileno)
            stream.close()

    def _nobody_there(self) -> None:
        """What waits to be sent does so for a while only."""
        now_ns = monotonic_ns()
        self.outbox.stay(now_ns)
        if not self._absent_since_ns:
            self._absent_since_ns = now_ns
        if now_ns - self._absent_since_ns >= PATIENCE_NS:
            self._owner.given_up(self._absence)
        elif "retry" not in self._timers:
            self._timers.set("retry", _RETRY_S, self.flush)

    # --- sending ----------------------------------------------------------------------------------

    def post(self, frame: bytes) -> None:
        """Send *frame* with the others of this turn."""
        frames = self.outbox.frames
        frames.append(frame)
        if not self._flushing:
            self._flushing = True
            self.loop.call_soon(self.flush)
        elif len(frames) == SEND_AT:
            self.flush()
            self._flushing = True  # the turn's own call is still to come

    def flush(self) -> None:
        """Send what has gathered, as far as somebody is there and reads."""
        self._flushing = False
        outbox = self.outbox
        if self._closed or not outbox.frames:
            return
        stream = self._stream or self._connected()
        if stream is None:
            self._nobody_there()
        elif stream.stalled:
            outbox.stay(monotonic_ns())
        else:
            stream.pending = outbox.take(monotonic_ns())
            self._send(stream, stream.flush)

    def _send(self, stream: Stream, send: Callable[[], bool]) -> None:
        try:
            if not send():
                self.loop.add_writer(stream.fileno, self._resume)
        except StreamClosed:
            self.outbox.put_back(stream.pending)
            self.read_all()
            if self._stream is stream:  # its end may have been read, and the next one found
                self.lose("the broker went away before it answered")

    def _resume(self) -> None:
        """The broker reads again: what has waited meanwhile goes, too."""
        stream = self._stream
        if stream is not None:
            self.loop.remove_writer(stream.fileno)
            self._send(stream, stream.resume)
            self.flush()

    # --- reading ----------------------------------------------------------------------------------

    def read(self) -> bool:
        """Hand on what one `recv` brings; False when that was nothing."""
        stream = self._stream
        if stream is None:
            return False
        try:
            frames = stream.read()
        except StreamClosed:
            self.lose("the broker went away before it answered")
            return False
        if frames:
            self._owner.arrived(frames)
        return bool(frames)

    def read_all(self) -> None:
        """What has arrived while this loop was busy counts, whatever happens next."""
        for _ in range(_MOST_READS):
            if not self.read():
                return

    def close(self) -> None:
        """Send what has gathered, and end the stream without a word to the owner."""
        self.flush()
        self._closed = True
        self._timers.close()
        self._disconnect()
