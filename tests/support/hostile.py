"""Links that misbehave: garbage, other wire versions, many parts, oversize, answers to nothing, invented names.

An attack takes what sends one frame to whom it is that is attacked: a stranger of the broker's own host, on a
stream, or one of another host that has the fleet's key.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial

import zmq

from h2o_core import envelope as wire
from h2o_core.io.wire import curve_keys
from tests.support.broker import SAY

Send = Callable[[bytes], object]
Attack = Callable[[Send], None]
PATIENCE_S = 10.0


@contextmanager
def local_stranger(endpoint: str) -> Generator[socket.socket]:
    """A stream to ``unix:…/broker.sock`` that says what it likes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.settimeout(PATIENCE_S)
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                stranger.connect(endpoint.removeprefix("unix:"))
                break
            except BlockingIOError:  # so many knock that the queue at the door is full
                if time.monotonic() > give_up_s:
                    raise
                time.sleep(0.001)
        yield stranger


def on_stream(stranger: socket.socket) -> Send:
    """Frames with their length in front."""
    return lambda frame: stranger.sendall(struct.pack("!I", len(frame)) + frame)


@contextmanager
def distant_stranger(address: str, secret: bytes, fleet: str) -> Generator[zmq.Socket[bytes]]:
    """A socket with *fleet*'s key that can do what the project's own can't, on the broker's port for others."""
    with zmq.Context() as context:
        stranger = context.socket(zmq.DEALER)
        stranger.setsockopt(zmq.LINGER, 500)
        public, own = curve_keys(secret, fleet, "link")
        stranger.setsockopt(zmq.CURVE_PUBLICKEY, public)
        stranger.setsockopt(zmq.CURVE_SECRETKEY, own)
        stranger.setsockopt(zmq.CURVE_SERVERKEY, curve_keys(secret, fleet, "broker")[0])
        stranger.connect(f"tcp://{address}")
        yield stranger
        stranger.close()


def on_link(stranger: zmq.Socket[bytes]) -> Send:
    """Frames as a broker sends them."""
    return partial(stranger.send)


def garbage(send: Send) -> None:
    dice = random.Random(11)
    for size in (0, 1, 27, 28, 29, 100, 5000):
        for _ in range(30):
            send(dice.randbytes(size))


def every_type_without_a_body(send: Send) -> None:
    for kind in range(256):
        send(wire.encode(kind, payload=b"\xff" * 9))


def another_wire_version(send: Send) -> None:
    frame = bytearray(wire.encode(wire.HELLO))
    for version in (0, 2, 255):
        frame[0] = version
        send(bytes(frame))


def lengths_beyond_the_frame(send: Send) -> None:
    head = wire.HEADER.pack(1, wire.REQUEST, 0, 0, 1, 1000, 0, 65535, 65535, 65535, 0)
    send(head + b"short")


def answers_to_nothing(send: Send) -> None:
    for correlation in range(500):
        for kind in (wire.ANSWER, wire.RELEASED, wire.CANCEL, wire.LEFT, wire.REFUSED):
            send(wire.encode(kind, correlation=correlation))


def ten_thousand_requests_for_invented_names(send: Send) -> None:
    for number in range(10_000):
        name = f"/service/echo/x{number}".encode()
        send(wire.encode(wire.REQUEST, correlation=number, remaining_ms=1000, name=name))


def a_length_over_the_cap(stranger: socket.socket) -> None:
    stranger.sendall(struct.pack("!I", (1 << 20) + 1) + b"x" * 100)


def two_thousand_frames(stranger: zmq.Socket[bytes]) -> None:
    for _ in range(3):
        stranger.send_multipart([wire.encode(wire.HELLO)] * 2000)


def a_routing_id_as_a_second_frame(stranger: zmq.Socket[bytes]) -> None:
    stranger.send_multipart([b"\0abcd", wire.encode(wire.REQUEST, name=SAY.encode(), remaining_ms=10)])


def oversize(stranger: zmq.Socket[bytes]) -> None:
    stranger.send(wire.encode(wire.REQUEST, name=SAY.encode(), remaining_ms=1000, payload=os.urandom(2 << 20)))
