"""Moments as they are typed: ``4h`` from now or ago, ``14:30`` (UTC), or a date and time with its zone. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from h2o_console.cli.durations import parse_duration
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_core.times import unix_s

NEVER: Final = "never"
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_LONGEST_S: Final = 366 * 86_400.0


def ahead(option: str, typed: str, now_s: float, *, never: bool = False) -> float:
    """Unix seconds of a moment to come; ``14:30`` is the next one; 0 for ``never``, where that may be typed.

    A moment with its date is taken as it is, also when it has passed. Raises CommandFailed.
    """
    if never and typed == NEVER:
        return 0.0
    moment_s = _moment(typed, now_s, 1)
    if moment_s is None or not moment_s - now_s <= _LONGEST_S:
        also = f", or {NEVER}" if never else ""
        msg = f"{option} {typed} is no time within a year; write 4h, 14:30 (UTC) or 2026-01-31T14:30:00Z{also}"
        raise CommandFailed(Exit.USAGE, msg)
    return moment_s


def ago(option: str, typed: str, now_s: float) -> float:
    """Unix seconds of a moment that has been; ``14:30`` is the last one. Raises CommandFailed."""
    moment_s = _moment(typed, now_s, -1)
    if moment_s is None or moment_s > now_s:
        msg = f"{option} {typed} is no time that has been; write 2h, 14:30 (UTC) or 2026-01-31T14:30:00Z"
        raise CommandFailed(Exit.USAGE, msg)
    return max(0.0, moment_s)


def duration(option: str, typed: str) -> float:
    """Seconds; raises CommandFailed."""
    seconds = parse_duration(typed)
    if seconds is None or seconds > _LONGEST_S:
        raise CommandFailed(Exit.USAGE, f"{option} {typed} is no time; write 30s, 5m, 4h or 7d")
    return seconds


def _moment(typed: str, now_s: float, direction: int) -> float | None:
    if (clock := _CLOCK.fullmatch(typed)) is not None:
        now = datetime.fromtimestamp(now_s, UTC)
        then = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        if (then - now).total_seconds() * direction < 0:
            then += timedelta(days=direction)
        return then.timestamp()
    if (seconds := parse_duration(typed)) is not None:
        return now_s + direction * seconds
    return unix_s(typed)
