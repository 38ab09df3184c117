"""How much of a machine its host and each child use: values, and shares from two readings of the clocks. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

UNKNOWN: Final = -1.0


@dataclass(frozen=True, slots=True)
class CpuClock:
    """What all cores together have spent since the machine's start, in seconds. `steal_s`: None where nobody says."""

    busy_s: float
    idle_s: float
    steal_s: float | None = None


@dataclass(frozen=True, slots=True)
class HostVitals:
    """How the server does. Percentages are of all cores together, over the last second; -1: unknown."""

    cpu_pct: float
    """Steal not included: that is what others took."""
    steal_pct: float
    cores: int
    load1: float
    memory_total_bytes: int
    memory_available_bytes: int
    disk_total_bytes: int
    """Of the file system that state_dir is on; 0: unknown."""
    disk_available_bytes: int


@dataclass(frozen=True, slots=True)
class Use:
    """What one process uses: itself, not what it has started. `cpu_pct` is of one core, -1: unknown."""

    cpu_pct: float = UNKNOWN
    rss_bytes: int = 0


NO_USE: Final = Use()


def shares(before: CpuClock, now: CpuClock) -> tuple[float, float]:
    """(busy, stolen) per cent of all that passed between two readings; -1 for what can't be known."""
    busy_s, idle_s = now.busy_s - before.busy_s, now.idle_s - before.idle_s
    steal_s = None if now.steal_s is None or before.steal_s is None else now.steal_s - before.steal_s
    passed_s = busy_s + idle_s + (steal_s or 0.0)
    if passed_s <= 0 or busy_s < 0 or idle_s < 0:  # the clocks of a machine that was moved may go back
        return UNKNOWN, UNKNOWN
    return _pct(busy_s / passed_s), UNKNOWN if steal_s is None else _pct(steal_s / passed_s)


def share_of_core(spent_s: float, passed_s: float) -> float:
    """Per cent of one core; more than 100 with several threads."""
    return UNKNOWN if passed_s <= 0 or spent_s < 0 else round(100 * spent_s / passed_s, 1)


def _pct(share: float) -> float:
    return round(100 * min(1.0, max(0.0, share)), 1)
