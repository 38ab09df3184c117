"""Puts limits on a process that has just been started; says which of them the system does not grant."""

from __future__ import annotations

import os
import resource
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from h2o_core.limits import Limits


def keep(limits: Limits, pid: int) -> tuple[str, ...]:
    """One sentence for each limit that is not kept. The process is our own and leads its group.

    It may have run for some microseconds without them: prlimit(2) from outside, because what runs between fork and
    exec of a process with threads can deadlock.
    """
    unkept: list[str] = []
    if limits.nofile:
        unkept += _nofile(limits.nofile, pid)
    if limits.nice:
        try:
            os.setpriority(os.PRIO_PGRP, pid, limits.nice)
        except OSError as error:
            unkept.append(f"nice {limits.nice} is not granted: {error.strerror}")
    return tuple(unkept)


def _nofile(most: int, pid: int) -> list[str]:
    if sys.platform != "linux":
        return [f"nofile {most} is not kept: this system can't limit another process"]
    try:
        psutil.Process(pid).rlimit(resource.RLIMIT_NOFILE, (most, most))
    except psutil.NoSuchProcess:
        return []
    except (psutil.Error, OSError, ValueError) as error:
        return [f"nofile {most} is not granted: {error}"]
    return []
