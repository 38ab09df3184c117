"""Frames that are to be sent: those of this turn of the loop, and questions held back until there is room."""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import ASK, HELLO, REQUEST

if TYPE_CHECKING:
    from collections.abc import Container

_CORRELATION: Final = struct.Struct("!I")
_QUESTIONS: Final = frozenset({REQUEST, ASK, HELLO})
"""What may wait for the next broker; an instance that finds one registers anew anyway."""


def correlation_of(frame: bytes) -> int:
    """The correlation in a frame's header; raises struct.error when it is cut off."""
    return _CORRELATION.unpack_from(frame, 4)[0]


class Outbox:
    """Keeps the order of frames; what could not be sent stays at the front."""

    __slots__ = ("frames", "held")

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.held: deque[bytes] = deque()

    def questions(self) -> set[int]:
        """Correlations of the questions that nobody has been given."""
        return {correlation_of(frame) for frame in (*self.frames, *self.held) if frame[1] in _QUESTIONS}

    def keep_questions(self) -> None:
        """Forget answers and the like: they were meant for a broker that is gone."""
        self.frames = [frame for frame in self.frames if frame[1] in _QUESTIONS]

    def keep_wanted(self, waiting: Container[int]) -> None:
        """Forget questions whose answer nobody waits for any more."""
        self.frames = [frame for frame in self.frames if _is_wanted(frame, waiting)]

    def release(self, room: int, waiting: Container[int]) -> list[bytes]:
        """Take out up to *room* held questions that are still wanted."""
        released: list[bytes] = []
        while self.held and len(released) < room:
            frame = self.held.popleft()
            if _is_wanted(frame, waiting):
                released.append(frame)
        return released

    def clear(self) -> None:
        """Forget everything."""
        self.frames = []
        self.held.clear()


def _is_wanted(frame: bytes, waiting: Container[int]) -> bool:
    return frame[1] not in _QUESTIONS or correlation_of(frame) in waiting
