"""One HTTP connection with bounds: time for a head and a body, bytes of a body, time without reading the answer.

On the Unix socket the kernel tells whose process asks; that goes with each of its requests.

uvicorn has a time-out for idle connections alone, and forgets it with the first byte: its protocol is taken as it is,
and watched from outside (decision 0011).
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from h2o_agent.http.doors import LOCAL, Doing, Doors, whose

if TYPE_CHECKING:
    import asyncio

    from uvicorn.config import Config
    from uvicorn.server import ServerState

PEER_UID: Final = "peer_uid"
"""The key of a request's state that is there on the Unix socket alone: whose process asks, None when nobody tells.

Not that a client has no address: so has one on TCP that has hung up already, and its request is read all the same.
"""
MOST_WRITTEN_BYTES: Final = 1 << 20
_GONE: Final = "?"
_CREDENTIALS: Final = struct.Struct("3i")
_LINE: Final = b"HTTP/1.1 %s\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n%s\n"
_TOO_SLOW: Final = _LINE % (b"408 Request Timeout", b"the request did not come in time")
_TOO_LONG: Final = _LINE % (b"413 Content Too Large", b"nothing here takes a body of this size")
_FULL: Final = _LINE % (b"503 Service Unavailable", b"too many requests are being answered; try again in a while")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a client may take."""

    head_s: float = 5.0
    """From its connecting, or from the first byte of its next request, until that request's head is whole."""
    body_s: float = 5.0
    body_bytes: int = 32 << 10
    """No question needs a body."""
    written_bytes: int = MOST_WRITTEN_BYTES
    """Of a POST; it is read as its reader takes it, so that 64 KiB are held for one who is refused."""
    stall_s: float = 10.0
    """It is looked so often whether a client reads its answer."""
    stall_bytes: int = 64 << 10
    """What it has to read in that time."""


class BoundedProtocol(H11Protocol):
    """uvicorn's, with *bounds*, and a place at the *doors*."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        doors: Doors,
        bounds: Bounds,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._doors = doors
        self._bounds = bounds
        self._caught_up = False
        self._waits_for: Any = None
        """What of a request is to come: h11.IDLE a head, h11.SEND_BODY a body, None nothing."""
        self._patience: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None
        self._body_bytes = 0

    # ------------------------------------------------------------------ what the transport tells

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Come in, if there is room or somebody to make it."""
        super().connection_made(transport)
        peer = _peer(transport)
        self.app_state = {**self.app_state, **peer}
        address = LOCAL if peer else whose(self.client[0] if self.client else _GONE)
        admitted, going = self._doors.enter(self, address)
        if isinstance(going, BoundedProtocol):
            going.transport.abort()
        if not admitted:
            self._end(_FULL)
            return
        self._wait_for(h11.IDLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave."""
        self._doors.leave(self)
        self._wait_for(None)
        if self._stalled is not None:
            self._stalled.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes: no matter how few, they buy no time."""
        if self.transport.is_closing():
            return
        before = self.conn.their_state
        super().data_received(data)
        if h11.SEND_BODY in {before, self.conn.their_state}:
            self._body_bytes += len(data)
        self._look(asked=True)

    def on_response_complete(self) -> None:
        """The next request may come, or the rest of this one's body."""
        super().on_response_complete()
        self._look(asked=False)

    def pause_writing(self) -> None:
        """The client does not read as fast as it is answered."""
        super().pause_writing()
        self._watch_reading()

    def resume_writing(self) -> None:
        """It has read nearly all that it was sent: an answer without an end (`/logs?follow`) fills up again at once."""
        super().resume_writing()
        self._caught_up = True

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked; whether the last answer was read is another question."""
        super().timeout_keep_alive_handler()
        self._watch_reading()

    # ------------------------------------------------------------------ what follows

    def _look(self, *, asked: bool) -> None:
        """After every change. *asked*: bytes have come, so that what is not a whole request is a part of one."""
        if self.transport.is_closing():
            self._wait_for(None)
            return
        answering = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison] - None at first
        theirs = self.conn.their_state
        if theirs is h11.SEND_BODY:
            self._doors.turns(self, Doing.ANSWERED if answering else Doing.ASKING)
            self._wait_for(h11.SEND_BODY)
            most = self._bounds.written_bytes if self.scope["method"] == "POST" else self._bounds.body_bytes
            if self._body_bytes > most:
                self._end(b"" if answering and self.cycle.response_started else _TOO_LONG)
            return
        self._body_bytes = 0
        if answering or theirs is not h11.IDLE:
            self._doors.turns(self, Doing.ANSWERED)
            self._wait_for(None)
        elif asked:
            self._doors.turns(self, Doing.ASKING)
            self._wait_for(h11.IDLE)
        else:
            self._doors.turns(self, Doing.IDLE)
            self._wait_for(None)

    def _wait_for(self, part: Any) -> None:
        """Patience begins when *part* is another one than was waited for."""
        if part is self._waits_for:
            return
        self._waits_for = part
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if part is not None:
            time_s = self._bounds.head_s if part is h11.IDLE else self._bounds.body_s
            self._patience = self.loop.call_later(time_s, self._out_of_patience)

    def _out_of_patience(self) -> None:
        started = self.cycle is not None and self.cycle.response_started  # pyright: ignore[reportUnnecessaryComparison] - None at first
        silent = self.conn.their_state is h11.IDLE or not started
        self._end(_TOO_SLOW if silent else b"")

    def _end(self, last: bytes) -> None:
        """Say *last* and close; what is not read of it by then is not waited for."""
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        if last:
            self.transport.write(last)
        self.transport.close()
        self._watch_reading()

    def _watch_reading(self) -> None:
        """Begin to look whether the client takes its answer, unless that is being done."""
        if self._stalled is None:
            self._look_at_reading(None)

    def _look_at_reading(self, before_bytes: int | None) -> None:
        """Cut off who has taken less than a little in a while."""
        self._stalled = None
        caught_up, self._caught_up = self._caught_up, False
        left_bytes = self.transport.get_write_buffer_size()
        if not left_bytes:
            return
        if before_bytes is not None and not caught_up and before_bytes - left_bytes < self._bounds.stall_bytes:
            self.transport.abort()
            return
        self._stalled = self.loop.call_later(self._bounds.stall_s, self._look_at_reading, left_bytes)


def _peer(transport: asyncio.Transport) -> dict[str, int | None]:
    connection = transport.get_extra_info("socket")
    if connection is None or connection.family != socket.AF_UNIX:
        return {}
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # macOS has another call
        return {PEER_UID: None}
    _, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, option, _CREDENTIALS.size))
    return {PEER_UID: uid}
