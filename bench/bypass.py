"""The SDK's own client and worker loops without a broker: only the socket is another one.

Through C ``zmq.proxy`` a request reaches the worker with one part in front of the frame, the client's
routing id; the worker's socket strips it and puts it back on answers. What the two ends say to *their
broker* (greeting, registration, PING, heartbeat) is answered by the socket itself, so that nothing but
requests and answers travels. There is one client on the lane, hence one routing id.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import zmq
from zmq.backend import Socket as RawSocket

import h2o_core.io.line
from h2o_core.envelope import (
    ANSWER,
    HELLO,
    LEAVE,
    LEFT,
    PING,
    PING_BODY,
    PONG,
    REGISTER,
    REGISTERED,
    REQUEST,
    WELCOME,
    WIRE,
    decode,
    encode,
)
from h2o_core.io.stream import SCHEME
from h2o_core.pb.registration_pb2 import Registered, Welcome

if TYPE_CHECKING:
    from h2o_core.io.line import Line

_NOBLOCK: Final = int(zmq.NOBLOCK)
_NOBLOCK_MORE: Final = _NOBLOCK | int(zmq.SNDMORE)
_EVENTS: Final = int(zmq.EVENTS)
_POLLIN: Final = int(zmq.POLLIN)
_HIGH_WATER: Final = 65_536
_BATCH: Final = 128
_FEW: Final = 2
"""To find a socket empty costs 3.6 µs as an exception and 1.35 as a question: after small batches we ask."""
_RETRY_S: Final = 0.01
_INCARNATION: Final = 1


class _ProxyStream(ABC):
    """A Stream's place taken by a DEALER: sends frames of one type, and answers all others as a broker would.

    libzmq's descriptor is edge-triggered, and reading and sending both take the edge: what may have come
    meanwhile is looked for after each of them.
    """

    travels: ClassVar[int]

    def __init__(self, endpoint: str, loop: asyncio.AbstractEventLoop, reader: Callable[[], object]) -> None:
        context = cast("zmq.Context[zmq.Socket[bytes]]", zmq.Context.instance())
        socket: Any = RawSocket(context, zmq.DEALER)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.SNDHWM, _HIGH_WATER),
            (zmq.RCVHWM, _HIGH_WATER),
            (zmq.IMMEDIATE, 1),
        ):
            socket.set(option, value)
        socket.connect(endpoint)
        self._socket = socket
        self._loop = loop
        self._reader = reader
        self._made_up: list[bytes] = []
        self._few = True
        self.fileno: int = socket.get(zmq.FD)
        self.pending: list[bytes] = []
        self.stalled = False

    def flush(self) -> bool:
        """As Stream's."""
        frames, self.pending = self.pending, []
        for at, frame in enumerate(frames):
            if frame[1] != self.travels:
                self._made_up += _broker_says(frame)
            elif not self._forward(frame):
                self.pending = frames[at:]
                self._loop.call_later(_RETRY_S, self._retry)
                break
        self._look_again()
        return True

    resume = flush

    def _retry(self) -> None:
        self.flush()

    def _look_again(self) -> None:
        if self._made_up or self._socket.get(_EVENTS) & _POLLIN:
            self._loop.call_soon(self._reader)

    @abstractmethod
    def _forward(self, frame: bytes) -> bool:
        """Send what travels, in the lane's own shape."""

    def read(self) -> list[bytes]:
        """As Stream's."""
        frames, self._made_up = self._made_up, []
        received = 0
        try:
            while received < _BATCH and (not self._few or self._socket.get(_EVENTS) & _POLLIN):
                self._receive(frames)
                received += 1
        except zmq.Again:
            pass
        self._few = received <= _FEW
        if received >= _BATCH:
            self._look_again()
        return frames

    @abstractmethod
    def _receive(self, frames: list[bytes]) -> None:
        """Take one message; raises zmq.Again when there is none."""

    def close(self) -> None:
        """As Stream's."""
        self._socket.close()


class _ClientStream(_ProxyStream):
    """The client's end."""

    travels = REQUEST

    def _forward(self, frame: bytes) -> bool:
        try:
            self._socket.send(frame, _NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _receive(self, frames: list[bytes]) -> None:
        part = self._socket.recv(_NOBLOCK, copy=False)
        if not part.more:
            frames.append(part.bytes)


class _WorkerStream(_ProxyStream):
    """The worker's end, on the proxy's other socket."""

    travels = ANSWER
    _client = b""

    def _forward(self, frame: bytes) -> bool:
        try:
            self._socket.send(self._client, _NOBLOCK_MORE)
            self._socket.send(frame, _NOBLOCK)
        except zmq.Again:
            return False
        return True

    def _receive(self, frames: list[bytes]) -> None:
        """As a broker's socket does it: a routing id, then the frame, whose `more` is looked at."""
        self._client = self._socket.recv(_NOBLOCK)
        part = self._socket.recv(_NOBLOCK, copy=False)
        if not part.more:
            frames.append(part.bytes)


def _broker_says(frame: bytes) -> list[bytes]:
    asked = decode(frame)
    answer = _ANSWERS.get(asked.type)
    if answer is None:
        return []
    kind, payload = answer
    return [encode(kind, correlation=asked.correlation, payload=payload(asked.payload))]


def _pong(ping: bytes) -> bytes:
    _, clock_ns = PING_BODY.unpack(ping)
    return PING_BODY.pack(_INCARNATION, clock_ns)


def _registered(_register: bytes) -> bytes:
    return Registered(
        instance="0" * 16, host="bench", zone="default", incarnation=_INCARNATION, fleet="bench"
    ).SerializeToString()


def _welcome(_hello: bytes) -> bytes:
    return Welcome(wire=WIRE, host="bench", zone="default", incarnation=_INCARNATION, fleet="bench").SerializeToString()


def _empty(_leave: bytes) -> bytes:
    return b""


_ANSWERS: Final[dict[int, tuple[int, Callable[[bytes], bytes]]]] = {
    HELLO: (WELCOME, _welcome),
    REGISTER: (REGISTERED, _registered),
    PING: (PONG, _pong),
    LEAVE: (LEFT, _empty),
}


def client() -> None:
    """From now on, links of this process speak to zmq.proxy's front."""
    _replace(_ClientStream, "broker.sock")


def worker() -> None:
    """From now on, links of this process speak to zmq.proxy's back."""
    _replace(_WorkerStream, "workers.sock")


def _replace(end: type[_ProxyStream], name: str) -> None:
    def connect(line: Line) -> _ProxyStream:
        path = Path(line.endpoint.removeprefix(SCHEME)).with_name(name)
        return end(f"ipc://{path}", line.loop, line.read)

    h2o_core.io.line.open_stream = connect
