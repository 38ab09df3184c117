"""What one window of load cost: read before, read after; the same for every lane's client, whatever its loop."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench.cpu import cores, cpu_s, machine_busy_s
from bench.statistics import quantile


class Meter:
    """Starts when it is made, in the client's process."""

    def __init__(self, pids: Mapping[str, Sequence[int]]) -> None:
        """*pids*: the lane's other processes by role."""
        self._pids = pids
        self._before = self._cpu_s()
        self._busy_before_s = machine_busy_s()

    def _cpu_s(self) -> dict[str, float]:
        spent = {role: sum(map(cpu_s, pids)) for role, pids in self._pids.items()}
        return {**spent, "client": time.process_time()}

    def window(self, latencies_ns: list[int], elapsed_s: float) -> dict[str, Any]:
        """The fields of a bench.statistics.Window; *latencies_ns* is sorted in place."""
        busy_s = machine_busy_s()
        spent = {role: now_s - self._before[role] for role, now_s in self._cpu_s().items()}
        others: float | None = None
        if self._busy_before_s is not None and busy_s is not None:
            others = max(0.0, (busy_s - self._busy_before_s - sum(spent.values())) / (elapsed_s * cores()))
        latencies_ns.sort()
        return {
            "requests": len(latencies_ns),
            "elapsed_s": elapsed_s,
            "p50_us": quantile(latencies_ns, 0.5) / 1e3,
            "p99_us": quantile(latencies_ns, 0.99) / 1e3,
            "cpu_s": spent,
            "others": others,
        }
