"""Points of one resolution in memory: what is being counted, and what is whole, bounded in number and bytes. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_agent.history.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Key = tuple[str, str, str]
"""Kind, package and version; ``("host", "", "")``."""


@dataclass(frozen=True, slots=True)
class Frame:
    """All points of one time, each as the bytes of a `Point`: a tenth of what the objects take."""

    t_s: float
    points: Mapping[Key, bytes]

    @property
    def size_bytes(self) -> int:
        """Of the points alone."""
        return sum(map(len, self.points.values()))


class Ring:
    """The last *length* times of *resolution_s* each, of at most *most_bytes* together; the oldest go first."""

    def __init__(self, resolution_s: int, length: int, most_bytes: int) -> None:
        self.resolution_s = resolution_s
        self.size_bytes = 0
        self._length = length
        self._most_bytes = most_bytes
        self._open_s: float | None = None
        self._open: dict[Key, Tally] = {}
        self._frames: deque[Frame] = deque()

    def add(self, now_s: float, tallies: Mapping[Key, Tally]) -> Frame | None:
        """Count what has just happened; the time before when that is whole now.

        A clock that was set back opens an older time again: then there are two frames of it, to be merged by
        who reads them.
        """
        t_s = now_s // self.resolution_s * self.resolution_s
        whole = self.close() if self._open_s != t_s else None
        self._open_s = t_s
        for key, tally in tallies.items():
            self._open.setdefault(key, Tally()).merge(tally)
        return whole

    def close(self) -> Frame | None:
        """End the time that is being counted; None when nothing was."""
        if self._open_s is None:
            return None
        counted, self._open, t_s, self._open_s = self._open, {}, self._open_s, None
        if not counted:
            return None
        frame = Frame(t_s, {key: tally.point(t_s).SerializeToString() for key, tally in counted.items()})
        self._frames.append(frame)
        self.size_bytes += frame.size_bytes
        while len(self._frames) > self._length or self.size_bytes > self._most_bytes:
            self.size_bytes -= self._frames.popleft().size_bytes
        return frame

    def frames(self, since_s: float, now_s: float) -> Iterator[Frame]:
        """Those that are whole and begin within [since_s, now_s], within this ring's span."""
        oldest_s = max(since_s, now_s - self._length * self.resolution_s)
        return (frame for frame in self._frames if oldest_s <= frame.t_s <= now_s)
