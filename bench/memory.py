"""What the processes of our lane grow by over many requests: resident memory, after a warm-up and at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.children import BenchError, Child, Children
from bench.figures import Figure
from bench.lanes import Lane, start_sdk

IN_FLIGHT: Final = 64
WARM_UP_REQUESTS: Final = 50_000
_MIB: Final = 1 << 20


def run(group: str, directory: Path, requests: int, say: Callable[[str], None]) -> list[Figure]:
    """Growth of broker, worker and client, on a lane of their own, over *requests*; raises BenchError."""
    warm_up = min(WARM_UP_REQUESTS, requests)
    say(f"memory: {requests:,} requests, {IN_FLIGHT} in flight, after {warm_up:,} to warm up")
    with Children(directory) as children:
        lane = start_sdk(children, directory / "memory", name="memory")
        lane.wait_ready()
        lane.send(IN_FLIGHT, warm_up)
        start = _resident(lane)
        lane.send(IN_FLIGHT, requests)
        return list(growth(group, start, _resident(lane)))


def growth(group: str, start: Mapping[str, float], end: Mapping[str, float]) -> Iterator[Figure]:
    """Start, end and their difference, by role, in MiB."""
    for role, before in start.items():
        yield Figure(group, f"{role}_rss_growth_mib", end[role] - before, "MiB")
        yield Figure(group, f"{role}_rss_start_mib", before, "MiB")
        yield Figure(group, f"{role}_rss_end_mib", end[role], "MiB")


def _resident(lane: Lane) -> dict[str, float]:
    parts = {**lane.parts, "client": [lane.client]}
    return {role: sum(map(_resident_mib, part)) for role, part in parts.items()}


def _resident_mib(child: Child) -> float:
    child.check()
    return resident_bytes(child.pid) / _MIB


def resident_bytes(pid: int) -> int:
    """Resident memory of *pid*; raises BenchError where that can't be read."""
    if sys.platform == "linux":
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    try:
        import psutil  # noqa: PLC0415 - an extra, and Linux does without
    except ModuleNotFoundError:
        msg = "memory of other processes needs psutil: pip install -e '.[bench]'"
        raise BenchError(msg) from None
    return int(psutil.Process(pid).memory_info().rss)
