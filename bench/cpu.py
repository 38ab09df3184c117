"""CPU time of another process."""

from __future__ import annotations

import sys
import time


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
