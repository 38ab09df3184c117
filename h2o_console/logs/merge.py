"""Lines of several hosts → one order by time. Pure.

Within a host the order stays as it came: a line counts as no older than the one before it.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from operator import itemgetter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from h2o_console.logs.entries import Line
    from h2o_core.times import Moment

WINDOW_S: Final = 0.3


class History:
    """What is there already: a line is given out when every host has said something later, or has ended."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self._heap: list[tuple[float, int, Line]] = []
        self._number = 0
        self._last: dict[str, float] = {}
        self._waiting = dict.fromkeys(hosts, 0)

    @property
    def hungry(self) -> str | None:
        """A host whose next line is needed; None when all have ended."""
        return next((host for host, count in self._waiting.items() if not count), None)

    def add(self, line: Line) -> None:
        """From a host that has not ended."""
        at_s = self._last[line.host] = max(line.entry.timestamp_s, self._last.get(line.host, 0.0))
        self._number += 1
        heappush(self._heap, (at_s, self._number, line))
        self._waiting[line.host] += 1

    def end(self, host: str) -> None:
        """Nothing more comes from it. Idempotent."""
        self._waiting.pop(host, None)

    def due(self) -> list[Line]:
        """What can be given out, in order."""
        lines: list[Line] = []
        while self._heap and all(self._waiting.values()):
            line = heappop(self._heap)[2]
            if line.host in self._waiting:
                self._waiting[line.host] -= 1
            lines.append(line)
        return lines


class Window:
    """What comes: a line waits for *window_s*, so that what is older and later to arrive stands before it.

    The lines of one host are in order already: only what is due is sorted, a run of each host.
    """

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_ns = int(window_s * 1e9)
        self._hosts: dict[str, deque[tuple[float, int, Line]]] = {}
        self._last: dict[str, float] = {}
        self._number = 0
        self._arrived: deque[tuple[int, float]] = deque()

    def add(self, lines: Sequence[Line], now: Moment) -> None:
        """They have just come, together, from one host; none counts as later than now, or older than the one before."""
        if not lines:
            return
        host = lines[0].host
        held = self._hosts.setdefault(host, deque())
        last_s = self._last.get(host, 0.0)
        for number, line in enumerate(lines, self._number):
            at_s = line.entry.timestamp_s
            if at_s > last_s:
                last_s = max(last_s, min(at_s, now.unix_s))
            held.append((last_s, number, line))
        self._last[host] = last_s
        self._number += len(lines)
        self._arrived.append((now.monotonic_ns, last_s))

    def due(self, monotonic_ns: int) -> list[Line]:
        """All that have waited long enough, and all that stand before one of these."""
        ripe_s = -1.0
        while self._arrived and self._arrived[0][0] + self._window_ns <= monotonic_ns:
            ripe_s = max(ripe_s, self._arrived.popleft()[1])
        due: list[tuple[float, int, Line]] = []
        for held in self._hosts.values() if ripe_s >= 0 else ():
            while held and held[0][0] <= ripe_s:
                due.append(held.popleft())
        due.sort(key=_PLACE)
        return [line for _, _, line in due]

    def next_wakeup(self) -> int | None:
        """When something will be due (monotonic ns); None while nothing waits."""
        return self._arrived[0][0] + self._window_ns if self._arrived and any(self._hosts.values()) else None


_PLACE: Final = itemgetter(0, 1)
