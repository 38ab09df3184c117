"""Links that misbehave: garbage, other wire versions, many parts, oversize, answers to nothing, invented names."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager

import zmq

from h2o_core import envelope as wire
from tests.support.broker import SAY

Misbehave = Callable[["zmq.Socket[bytes]"], None]


@contextmanager
def stranger(endpoint: str) -> Generator[zmq.Socket[bytes]]:
    """A socket that can do what the project's own can't."""
    with zmq.Context() as context:
        socket = context.socket(zmq.DEALER)
        socket.setsockopt(zmq.LINGER, 500)
        socket.connect(endpoint)
        yield socket
        socket.close()


def garbage(socket: zmq.Socket[bytes]) -> None:
    dice = random.Random(11)
    for size in (0, 1, 27, 28, 29, 100, 5000):
        for _ in range(30):
            socket.send(dice.randbytes(size))


def every_type_without_a_body(socket: zmq.Socket[bytes]) -> None:
    for kind in range(256):
        socket.send(wire.encode(kind, payload=b"\xff" * 9))


def another_wire_version(socket: zmq.Socket[bytes]) -> None:
    frame = bytearray(wire.encode(wire.HELLO))
    for version in (0, 2, 255):
        frame[0] = version
        socket.send(bytes(frame))


def lengths_beyond_the_frame(socket: zmq.Socket[bytes]) -> None:
    head = wire.HEADER.pack(1, wire.REQUEST, 0, 0, 1, 1000, 0, 65535, 65535, 65535, 0)
    socket.send(head + b"short")


def two_thousand_frames(socket: zmq.Socket[bytes]) -> None:
    for _ in range(3):
        socket.send_multipart([wire.encode(wire.HELLO)] * 2000)


def a_routing_id_as_a_second_frame(socket: zmq.Socket[bytes]) -> None:
    socket.send_multipart([b"\0abcd", wire.encode(wire.REQUEST, name=SAY.encode(), remaining_ms=10)])


def oversize(socket: zmq.Socket[bytes]) -> None:
    socket.send(wire.encode(wire.REQUEST, name=SAY.encode(), remaining_ms=1000, payload=os.urandom(2 << 20)))


def answers_to_nothing(socket: zmq.Socket[bytes]) -> None:
    for correlation in range(500):
        for kind in (wire.ANSWER, wire.RELEASED, wire.CANCEL, wire.LEFT, wire.REFUSED):
            socket.send(wire.encode(kind, correlation=correlation))


def ten_thousand_requests_for_invented_names(socket: zmq.Socket[bytes]) -> None:
    for number in range(10_000):
        name = f"/service/echo/x{number}".encode()
        socket.send(wire.encode(wire.REQUEST, correlation=number, remaining_ms=1000, name=name))
