"""The SDK's own client and worker loops without a broker: only the socket is another one.

Through C ``zmq.proxy`` a request reaches the worker with one part in front of the frame, the client's
routing id; the worker's socket strips it and puts it back on answers. What the two ends say to *their
broker* (greeting, registration, PING, heartbeat) is answered by the socket itself, so that nothing but
requests and answers travels. There is one client on the lane, hence one routing id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

import zmq

import h2o_core.io.link
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
from h2o_core.io.wire import BATCH, Dealer
from h2o_core.pb.registration_pb2 import Registered, Welcome

_NOBLOCK: Final = int(zmq.NOBLOCK)
_NOBLOCK_MORE: Final = _NOBLOCK | int(zmq.SNDMORE)
_INCARNATION: Final = 1


class _BypassDealer(Dealer, ABC):
    """Sends frames of one type, and answers all others itself as a broker would."""

    travels: ClassVar[int]

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self._made_up: list[bytes] = []

    def send(self, frame: bytes) -> bool:
        """As Dealer's, for what travels."""
        if frame[1] != self.travels:
            self._made_up += _broker_says(frame)
            return True
        return self._forward(frame)

    @abstractmethod
    def _forward(self, frame: bytes) -> bool:
        """Send what travels, in the lane's own shape."""

    def _taken(self) -> list[bytes]:
        made_up, self._made_up = self._made_up, []
        return made_up

    def has_input(self) -> bool:
        """As Dealer's; what the socket says itself has arrived, too."""
        return bool(self._made_up) or super().has_input()


class ClientDealer(_BypassDealer):
    """The client's end."""

    travels = REQUEST

    def _forward(self, frame: bytes) -> bool:
        return super(_BypassDealer, self).send(frame)

    def drain(self, limit: int = BATCH) -> list[bytes]:
        """As Dealer's."""
        return self._taken() + super().drain(limit)


class WorkerDealer(_BypassDealer):
    """The worker's end, on the proxy's other socket."""

    travels = ANSWER

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint.removesuffix("broker.sock") + "workers.sock")
        self._client = b""

    def _forward(self, frame: bytes) -> bool:
        try:
            self._send(self._client, _NOBLOCK_MORE)
            self._send(frame, _NOBLOCK)
        except zmq.Again:
            return False
        return True

    def drain(self, limit: int = BATCH) -> list[bytes]:
        """As a broker's socket does it: a routing id, then the frame, whose `more` is looked at."""
        frames = self._taken()
        recv = self._recv
        try:
            for _ in range(limit):
                self._client = recv(_NOBLOCK)
                part = recv(_NOBLOCK, copy=False)
                if not part.more:
                    frames.append(part.bytes)
        except zmq.Again:
            pass
        return frames


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
    _replace(ClientDealer)


def worker() -> None:
    """From now on, links of this process speak to zmq.proxy's back."""
    _replace(WorkerDealer)


def _replace(dealer: type[Dealer]) -> None:
    h2o_core.io.link.Dealer = dealer
