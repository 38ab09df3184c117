"""CPU time of another process, and of the whole machine."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path


class NoCpuClock(RuntimeError):
    """This system offers no way to read another process's CPU time."""


def cpu_s(pid: int) -> float:
    """CPU seconds, user and system, of all threads of *pid*; raises ProcessLookupError when it is gone.

    Linux: the process's own CPU clock, nanosecond grained, by the id that clock_getcpuclockid(3) makes
    (/proc and psutil count in ticks of 10 ms, too coarse for short windows). Elsewhere: psutil.
    """
    if sys.platform == "linux":
        try:
            return time.clock_gettime(~pid << 3 | 2)
        except OSError:
            raise ProcessLookupError(pid) from None
    try:
        import psutil  # noqa: PLC0415 - an extra, and Linux does without
    except ModuleNotFoundError:
        msg = "CPU time of other processes needs psutil: pip install -e '.[bench]'"
        raise NoCpuClock(msg) from None
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        raise ProcessLookupError(pid) from None
    return times.user + times.system


def machine_busy_s() -> float | None:
    """CPU seconds that all programs together have used since the machine started; None where it can't be read.

    Time stolen by a hypervisor counts: it is just as lost.
    """
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    except OSError:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(field) for field in fields[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def cores() -> int:
    """How many the machine has."""
    return os.cpu_count() or 1
