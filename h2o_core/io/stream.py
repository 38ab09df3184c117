"""The link between a client or an instance and its own broker: whole frames over a Unix stream socket.

On the stream a frame is its length (u32, big-endian) and its bytes (docs/wire.md). Everything that a turn of the
loop has for a peer goes out in one `send`, everything that has come is taken in one `recv`; both ends wake only
each other, and the kernel says at once when one of them is gone (decision 0005).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from contextlib import suppress
from typing import Final

from h2o_core.envelope import MAX_FRAME_BYTES

SCHEME: Final = "unix:"
READ_BYTES: Final = 32 << 10
"""Taken in one go: some hundred frames. More would let one peer keep the loop from the others."""
BACKLOG: Final = 512
_LENGTH: Final = struct.Struct("!I")
_LENGTH_BYTES: Final = _LENGTH.size
_length_at: Final = _LENGTH.unpack_from
_prefix: Final = _LENGTH.pack
_PEER_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: struct ucred of unix(7)
_OUT_OF_DESCRIPTORS: Final = frozenset({errno.EMFILE, errno.ENFILE})


class StreamClosed(ConnectionError):
    """The other end is gone."""


class StreamBroken(StreamClosed):
    """The other end announces what is no frame: where the next one begins is unknown from here on."""


class EndpointTaken(OSError):
    """The address can't be bound."""


class OutOfDescriptors(OSError):
    """This process may not open another socket."""


class Stream:
    """One connected end. Whoever owns it puts `fileno` on a loop: `read` when readable, `resume` when writable."""

    __slots__ = (
        *("_missing", "_pieces", "_recv", "_send", "_sock", "_unsent"),
        *("fileno", "held_bytes", "pending", "stalled"),
    )

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self._sock = sock
        self._recv = sock.recv
        self._send = sock.send
        self._pieces: list[bytes] = []
        """What has come of a frame, joined once: a peer that sends byte by byte must not have it copied each time."""
        self._missing = 0
        """How many bytes that frame, or its length, still lacks."""
        self._unsent = memoryview(b"")
        self.fileno: int = sock.fileno()
        self.pending: list[bytes] = []
        """Frames for the next `flush`, in order."""
        self.stalled = False
        """The other end does not read as fast as we write: `resume` comes before the next `flush`."""
        self.held_bytes = 0
        """What the owner has put there while it was `stalled`, by the owner's count."""

    def read(self) -> list[bytes]:
        """The whole frames that one `recv` completes, often none; raises StreamClosed, StreamBroken."""
        try:
            data = self._recv(max(READ_BYTES, self._missing))
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            raise StreamClosed(str(error)) from None
        if not data:
            msg = "the other end has closed it"
            raise StreamClosed(msg)
        if self._pieces:
            self._pieces.append(data)
            if len(data) < self._missing:
                self._missing -= len(data)
                return []
            data = b"".join(self._pieces)
            self._pieces = []
        frames: list[bytes] = []
        begin, end = _LENGTH_BYTES, len(data)  # of the frame that is looked at; of what is there
        stop = begin
        while begin <= end:
            (size,) = _length_at(data, begin - _LENGTH_BYTES)
            stop = begin + size
            if stop > end:
                if size > MAX_FRAME_BYTES:
                    msg = f"a frame of {size} bytes is announced; {MAX_FRAME_BYTES} is the most"
                    raise StreamBroken(msg)
                break
            frames.append(data[begin:stop])
            begin = stop = stop + _LENGTH_BYTES
        self._missing = 0
        if begin - _LENGTH_BYTES < end:
            self._pieces.append(data[begin - _LENGTH_BYTES :])
            self._missing = stop - end
        return frames

    def flush(self) -> bool:
        """Send what is pending, in one go; False: the rest has to wait until it is writable, then call `resume`.

        Raises StreamClosed when nobody is there any more, and then `pending` is what nobody has got.
        """
        if self.stalled:
            return False
        frames = self.pending
        if len(frames) == 1:
            data = _prefix(len(frames[0])) + frames[0]
        else:
            parts: list[bytes] = []
            for frame in frames:
                parts.append(_prefix(len(frame)))
                parts.append(frame)
            data = b"".join(parts)
        sent = self._sent(data)
        self.pending = []
        self.held_bytes = 0
        if sent < len(data):
            self._unsent = memoryview(data)[sent:]
            self.stalled = True
            return False
        return True

    def resume(self) -> bool:
        """It is writable again: send what waits; False: once more. Raises StreamClosed."""
        rest = self._unsent
        sent = self._sent(rest)
        self._unsent = rest[sent:]
        self.stalled = bool(self._unsent)
        return not self.stalled and (not self.pending or self.flush())

    def _sent(self, data: bytes | memoryview) -> int:
        try:
            return self._send(data)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise StreamClosed(str(error)) from None

    def peer_uid(self) -> int:
        """Who runs the other end; our own uid where the system can't tell."""
        return os.getuid() if sys.platform != "linux" else self._credentials()[1]

    def peer_pid(self) -> int:
        """The process that connected; 0 where the system can't tell."""
        return 0 if sys.platform != "linux" else self._credentials()[0]

    def _credentials(self) -> tuple[int, int, int]:
        credentials = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER_CREDENTIALS.size)
        return _PEER_CREDENTIALS.unpack(credentials)

    def close(self) -> None:
        """Close at once."""
        self._sock.close()


def connect(endpoint: str) -> Stream:
    """A stream to *endpoint* (``unix:/run/h2o/broker.sock``); raises OSError while nobody listens there."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(0)
    try:
        sock.connect(endpoint.removeprefix(SCHEME))
    except OSError:
        sock.close()
        raise
    return Stream(sock)


class Door:
    """A broker's end: who knocks becomes a Stream."""

    def __init__(self, endpoint: str) -> None:
        """Listen; raises EndpointTaken. A socket file that is there is replaced: the lock says whose place it is."""
        path = endpoint.removeprefix(SCHEME)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._sock.settimeout(0)
        try:
            with suppress(FileNotFoundError):
                os.unlink(path)  # noqa: PTH108 - a socket, by its text
            self._sock.bind(path)
            self._sock.listen(BACKLOG)
        except OSError as error:
            self._sock.close()
            msg = f"{endpoint}: {error.strerror}"
            raise EndpointTaken(error.errno, msg) from None
        self.fileno = self._sock.fileno()

    def accept(self) -> Stream | None:
        """The next one that waits; None when nobody does. Raises OutOfDescriptors."""
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return None
        except OSError as error:
            if error.errno in _OUT_OF_DESCRIPTORS:
                raise OutOfDescriptors(error.errno, error.strerror) from None
            raise
        return Stream(sock)

    def close(self) -> None:
        """Listen no more."""
        self._sock.close()
