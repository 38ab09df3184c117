"""How the brokers' memory goes, over all the processes that follow one another. Pure.

A process is *warm* at ten seconds: it has read the register and met its clients by then. What it grows after that
is its growth; of processes that lived another twenty seconds at least, the largest one counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

WARM_S: Final = 10.0
LEAST_S: Final = 20.0
_MIB: Final = 1 << 20


@dataclass
class Generations:
    """Samples of every process: `note` them, then ask."""

    _born_s: dict[int, float] = field(default_factory=dict[int, float])
    _warm: dict[int, tuple[float, int]] = field(default_factory=dict[int, tuple[float, int]])
    _last: dict[int, tuple[float, int]] = field(default_factory=dict[int, tuple[float, int]])

    def note(self, now_s: float, pid: int, rss_bytes: int) -> None:
        """The process *pid* holds so much at *now_s*."""
        born_s = self._born_s.setdefault(pid, now_s)
        if now_s - born_s >= WARM_S:
            self._warm.setdefault(pid, (now_s, rss_bytes))
        self._last[pid] = now_s, rss_bytes

    @property
    def processes(self) -> int:
        """How many there were."""
        return len(self._born_s)

    @property
    def judged(self) -> int:
        """How many lived long enough to be judged."""
        return len(self._growths())

    @property
    def growth_mib(self) -> float:
        """The largest growth of one that is judged; 0 when none is."""
        return max(self._growths(), default=0.0)

    @property
    def largest_mib(self) -> float:
        """The most that one held at its last sample."""
        return max((rss for _, rss in self._last.values()), default=0) / _MIB

    def _growths(self) -> list[float]:
        return [
            (self._last[pid][1] - rss) / _MIB
            for pid, (warm_s, rss) in self._warm.items()
            if self._last[pid][0] - warm_s >= LEAST_S
        ]
