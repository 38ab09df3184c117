"""The stream of docs/wire.md, written from the document alone: a Unix socket, a length before each frame."""

from __future__ import annotations

import select
import socket
import struct
from typing import Final

from tests.counting import wire

MOST_BYTES: Final = 1 << 20
_LENGTH: Final = struct.Struct(">I")
_PIECE: Final = 1 << 16


class Ended(Exception):
    """Nobody is at the other end any more."""


class Stream:
    """One connection to *endpoint* (``unix:/run/h2o/broker.sock``); raises Ended while nobody listens there."""

    def __init__(self, endpoint: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(0)
        try:
            self._socket.connect(endpoint.removeprefix("unix:"))
        except OSError as error:
            self._socket.close()
            raise Ended(str(error)) from None
        self._in = bytearray()
        self._out = bytearray()

    @property
    def clogged(self) -> bool:
        """The broker does not read; what is sent now only waits here."""
        return bool(self._out)

    def send(self, frames: list[bytes]) -> None:
        """Send, or keep what does not fit for `push`; raises Ended."""
        for frame in frames:
            self._out += _LENGTH.pack(len(frame)) + frame
        self.push()

    def push(self) -> None:
        """Send what waits, as far as it fits; raises Ended."""
        try:
            while self._out:
                del self._out[: self._socket.send(bytes(self._out[:_PIECE]))]
        except BlockingIOError:
            return
        except OSError as error:
            raise Ended(str(error)) from None

    def receive(self) -> list[bytes]:
        """The whole frames that have come; raises Ended once nothing is left to read, wire.Malformed."""
        try:
            while piece := self._socket.recv(_PIECE):
                self._in += piece
                if len(self._in) > MOST_BYTES + _PIECE:
                    return self._cut()
        except BlockingIOError:
            return self._cut()
        except OSError:  # reset: as good as its end
            piece = b""
        if not (frames := self._cut()):
            raise Ended
        return frames

    def _cut(self) -> list[bytes]:
        frames: list[bytes] = []
        while len(self._in) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._in)
            if length > MOST_BYTES:
                msg = f"a frame of {length} bytes"
                raise wire.Malformed(msg)
            if len(self._in) < _LENGTH.size + length:
                break
            frames.append(bytes(self._in[_LENGTH.size : _LENGTH.size + length]))
            del self._in[: _LENGTH.size + length]
        return frames

    def wait(self, seconds: float) -> None:
        """Until something has come or can be sent again, or the time is over."""
        select.select([self._socket], [self._socket] if self._out else [], [], seconds)

    def close(self) -> None:
        """Close it."""
        self._socket.close()
