"""The broker's streams to the clients and instances of its host: who knocks, what they say, what they are sent."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final

from h2o_core.io.stream import Door, OutOfDescriptors, Stream, StreamBroken, StreamClosed

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

log = logging.getLogger(__name__)

CHUNK: Final = 32
"""So many frames are worked on before what they led to is sent: the next process can begin (decision 0005)."""
_KNOCKS_AT_ONCE: Final = 64
_NO_DESCRIPTORS_PAUSE_S: Final = 0.5
MOST_UNSENT_BYTES: Final = 64 << 20
"""A peer that leaves so much unread is cut off: its slots come back, and when it goes on it registers anew."""


class LocalPort:
    """A routing id for each stream, minted here and never used twice."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_frames: Callable[[bytes, list[bytes]], None],
        on_gone: Callable[[bytes, list[bytes]], None],
    ) -> None:
        """*on_frames(routing id, frames)*; *on_gone(routing id, frames that nobody has got)*, once a stream."""
        self._loop = loop
        self._on_frames = on_frames
        self._on_gone = on_gone
        self._door: Door | None = None
        self._streams: dict[bytes, Stream] = {}
        self._touched: dict[bytes, Stream] = {}
        self._last_id = 0
        self.counts = {"foreign_users": 0, "broken_streams": 0, "choked_streams": 0}
        """Streams closed at once: of another user, with a frame over the cap, with too much unread."""

    def open(self, endpoint: str) -> None:
        """Listen; raises EndpointTaken."""
        self._door = Door(endpoint)
        self._listen()

    def _listen(self) -> None:
        if self._door is not None:
            self._loop.add_reader(self._door.fileno, self._accept)

    def _accept(self) -> None:
        door = self._door
        if door is None:
            return
        for _ in range(_KNOCKS_AT_ONCE):
            try:
                stream = door.accept()
            except OutOfDescriptors as error:
                log.error("nobody can connect for now: %s; raise the limit of open files", error)  # noqa: TRY400 - the sentence says it all
                self._loop.remove_reader(door.fileno)
                self._loop.call_later(_NO_DESCRIPTORS_PAUSE_S, self._listen)
                return
            if stream is None:
                return
            self._welcome(stream)

    def _welcome(self, stream: Stream) -> None:
        if stream.peer_uid() not in {0, os.getuid()}:
            self.counts["foreign_users"] += 1
            stream.close()
            return
        self._last_id += 1
        rid = self._last_id.to_bytes(8, "big")
        self._streams[rid] = stream
        self._loop.add_reader(stream.fileno, self._read, rid, stream)

    def _read(self, rid: bytes, stream: Stream) -> None:
        try:
            frames = stream.read()
        except StreamClosed as closed:
            self.counts["broken_streams"] += isinstance(closed, StreamBroken)
            self._lose(rid, stream)
            return
        for at in range(0, len(frames), CHUNK):
            self._on_frames(rid, frames[at : at + CHUNK])

    def pid_of(self, rid: bytes) -> int:
        """The process that has connected; 0: unknown."""
        stream = self._streams.get(rid)
        return 0 if stream is None else stream.peer_pid()

    def room(self, rid: bytes) -> list[bytes] | None:
        """Where frames for *rid* can be put until the next `flush`; None: it is not there or reads slowly (`take`)."""
        stream = self._streams.get(rid)
        if stream is None or stream.stalled:
            return None
        self._touched[rid] = stream
        return stream.pending

    def take(self, rid: bytes, frame: bytes) -> bool:
        """Have *frame* sent at the next `flush`; False when nobody is there."""
        stream = self._streams.get(rid)
        if stream is None or (stream.stalled and self._chokes(rid, stream, frame)):
            return False
        stream.pending.append(frame)
        self._touched[rid] = stream
        return True

    def _chokes(self, rid: bytes, stream: Stream, frame: bytes) -> bool:
        """It reads too slowly, and *frame* would be more than can be kept for it: it is cut off."""
        stream.held_bytes += len(frame)
        if stream.held_bytes <= MOST_UNSENT_BYTES:
            return False
        self.counts["choked_streams"] += 1
        del self._streams[rid]
        self._loop.call_soon(self._bury, rid, stream)
        return True

    def flush(self) -> list[tuple[bytes, bytes]]:
        """Send all that was taken; returns what nobody will get: (routing id, frame).

        A stream that can't be written to is read to its end first: what its peer had still to say counts.
        """
        lost: list[tuple[bytes, bytes]] = []
        touched, self._touched = self._touched, {}
        for rid, stream in touched.items():
            if stream.stalled:
                continue
            try:
                if not stream.flush():
                    self._loop.add_writer(stream.fileno, self._resume, stream)
            except StreamClosed:
                lost += [(rid, frame) for frame in stream.pending]
                stream.pending = []
        return lost

    def _resume(self, stream: Stream) -> None:
        try:
            done = stream.resume()
        except StreamClosed:  # its reader will be told as well, and come to its end
            done = True
        if done:
            self._loop.remove_writer(stream.fileno)

    def _lose(self, rid: bytes, stream: Stream) -> None:
        if self._streams.pop(rid, None) is not None:
            self._bury(rid, stream)

    def _bury(self, rid: bytes, stream: Stream) -> None:
        self._shut(stream)
        self._on_gone(rid, stream.pending)

    def _shut(self, stream: Stream) -> None:
        self._loop.remove_reader(stream.fileno)
        self._loop.remove_writer(stream.fileno)
        stream.close()

    def close(self) -> None:
        """Take everything off the loop and close."""
        door, self._door = self._door, None
        if door is not None:
            self._loop.remove_reader(door.fileno)
            door.close()
        for stream in self._streams.values():
            self._shut(stream)
        self._streams.clear()
