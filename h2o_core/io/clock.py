"""The one clock: every reading of time goes through here, so that pure code never asks for it."""

from __future__ import annotations

import time

from h2o_core.times import rfc3339

__all__ = ["monotonic_ns", "rfc3339", "thread_ns", "unix_s"]

monotonic_ns = time.monotonic_ns
thread_ns = time.thread_time_ns
"""CPU time of the thread that asks."""


def unix_s() -> float:
    """Seconds since 1970, for what people and other machines read."""
    return time.time()
