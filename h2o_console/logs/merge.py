"""Lines of several hosts → one order by time. Pure.

Within a host the order stays as it came: a line counts as no older than the one before it.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.logs.entries import Line
    from h2o_core.times import Moment

WINDOW_S: Final = 0.3


class _Held:
    """A heap of lines by time, then by arrival."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Line]] = []
        self._number = 0
        self._last: dict[str, float] = {}

    def add(self, line: Line, latest_s: float) -> float:
        """Its place in time: what it says, but not later than now and not before its predecessor."""
        at_s = max(min(line.entry.timestamp_s, latest_s), self._last.get(line.host, 0.0))
        self._last[line.host] = at_s
        self._number += 1
        heappush(self._heap, (at_s, self._number, line))
        return at_s

    def pop(self) -> Line:
        return heappop(self._heap)[2]

    def __len__(self) -> int:
        return len(self._heap)

    @property
    def first_s(self) -> float:
        return self._heap[0][0]


class History:
    """What is there already: a line is given out when every host has said something later, or has ended."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._held = _Held()
        self._waiting = dict.fromkeys(hosts, 0)

    @property
    def hungry(self) -> str | None:
        """A host whose next line is needed; None when all have ended."""
        return next((host for host, count in self._waiting.items() if not count), None)

    def add(self, line: Line) -> None:
        """From a host that has not ended."""
        self._held.add(line, float("inf"))
        self._waiting[line.host] += 1

    def end(self, host: str) -> None:
        """Nothing more comes from it. Idempotent."""
        self._waiting.pop(host, None)

    def due(self) -> list[Line]:
        """What can be given out, in order."""
        lines: list[Line] = []
        while self._held and all(self._waiting.values()):
            line = self._held.pop()
            if line.host in self._waiting:
                self._waiting[line.host] -= 1
            lines.append(line)
        return lines


class Window:
    """What comes: a line waits for *window_s*, so that what is older and later to arrive stands before it."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_ns = int(window_s * 1e9)
        self._held = _Held()
        self._arrived: deque[tuple[int, float]] = deque()

    def add(self, line: Line, now: Moment) -> None:
        """It has just come."""
        self._arrived.append((now.monotonic_ns, self._held.add(line, now.unix_s)))

    def due(self, monotonic_ns: int) -> list[Line]:
        """All that have waited long enough, and all that stand before one of these."""
        ripe_s = -1.0
        while self._arrived and self._arrived[0][0] + self._window_ns <= monotonic_ns:
            ripe_s = max(ripe_s, self._arrived.popleft()[1])
        lines: list[Line] = []
        while self._held and self._held.first_s <= ripe_s:
            lines.append(self._held.pop())
        return lines

    def next_wakeup(self) -> int | None:
        """When something will be due (monotonic ns); None while nothing waits."""
        return self._arrived[0][0] + self._window_ns if self._arrived and self._held else None
