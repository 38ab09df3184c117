"""Frames that are to be sent: those of this turn of the loop, and questions held back until there is room.

A request says how much time it has left. One that has to wait here is sent with what it has then: its handler must
neither start nor go on when its caller has given up.
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import ASK, CORRELATION_AT, HELLO, REQUEST, correlation_at

if TYPE_CHECKING:
    from collections.abc import Container

_REMAINING: Final = struct.Struct("!I")
_REMAINING_AT: Final = 8
_MS_NS: Final = 1_000_000
_QUESTIONS: Final = frozenset({REQUEST, ASK, HELLO})
"""What may wait for the next broker; an instance that finds one registers anew anyway."""


def correlation_of(frame: bytes) -> int:
    """The correlation in a frame's header; raises struct.error when it is cut off."""
    return correlation_at(frame, CORRELATION_AT)[0]


class Outbox:
    """Keeps the order of frames; what could not be sent stays at the front."""

    __slots__ = ("_deadlines", "_seen", "frames", "held")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.held: deque[tuple[bytes, int]] = deque()
        """Each with its deadline."""
        self._deadlines: dict[int, int] = {}
        """Correlation → deadline of the requests in `frames` that stayed."""
        self._seen = 0
        """So many of `frames`, from the front, have stayed before."""

    def questions(self) -> set[int]:
        """Correlations of the questions that nobody has been given."""
        held = (frame for frame, _ in self.held)
        return {correlation_of(frame) for frame in (*self.frames, *held) if frame[1] in _QUESTIONS}

    def stay(self, now_ns: int) -> None:
        """Nobody takes `frames` now: remember until when those have time that came with this turn."""
        for frame in self.frames[self._seen :]:
            if frame[1] == REQUEST:
                self._deadlines.setdefault(correlation_of(frame), _deadline(frame, now_ns))
        self._seen = len(self.frames)

    def take(self, now_ns: int) -> list[bytes]:
        """All `frames`, to be sent; what has stayed, with the time that it has left."""
        frames, self.frames = self.frames, []
        self._seen = 0
        if self._deadlines:
            deadlines, self._deadlines = self._deadlines, {}
            frames = [
                frame if (due_ns := deadlines.get(correlation_of(frame))) is None else _at(frame, due_ns, now_ns)
                for frame in frames
            ]
        return frames

    def put_back(self, frames: list[bytes]) -> None:
        """They were not sent after all, and are the next ones."""
        self.frames[:0] = frames
        self._seen = 0

    def hold(self, frame: bytes, now_ns: int) -> None:
        """A question has to wait until others are answered."""
        self.held.append((frame, _deadline(frame, now_ns)))

    def keep_questions(self) -> None:
        """Forget answers and the like: they were meant for a broker that is gone."""
        self.frames = [frame for frame in self.frames if frame[1] in _QUESTIONS]
        self._seen = 0

    def keep_wanted(self, waiting: Container[int]) -> None:
        """Forget questions whose answer nobody waits for any more."""
        self.frames = [frame for frame in self.frames if _is_wanted(frame, waiting)]
        self._deadlines = {each: due_ns for each, due_ns in self._deadlines.items() if each in waiting}
        self._seen = 0

    def release(self, room: int, waiting: Container[int], now_ns: int) -> list[bytes]:
        """Take out up to *room* held questions that are still wanted, with the time that they have left."""
        released: list[bytes] = []
        while self.held and len(released) < room:
            frame, due_ns = self.held.popleft()
            if _is_wanted(frame, waiting):
                released.append(_at(frame, due_ns, now_ns))
        return released

    def clear(self) -> None:
        """Forget everything."""
        self.frames = []
        self.held.clear()
        self._deadlines.clear()
        self._seen = 0


def _is_wanted(frame: bytes, waiting: Container[int]) -> bool:
    return frame[1] not in _QUESTIONS or correlation_of(frame) in waiting


def _deadline(frame: bytes, now_ns: int) -> int:
    (remaining_ms,) = _REMAINING.unpack_from(frame, _REMAINING_AT)
    return now_ns + remaining_ms * _MS_NS


def _at(frame: bytes, due_ns: int, now_ns: int) -> bytes:
    """*frame* with what is left until its deadline; a broker answers a request that has nothing left."""
    if frame[1] != REQUEST:
        return frame
    remaining = _REMAINING.pack(max(0, due_ns - now_ns) // _MS_NS)
    return b"".join((frame[:_REMAINING_AT], remaining, frame[_REMAINING_AT + _REMAINING.size :]))
