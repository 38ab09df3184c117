"""Moments as they are typed to commands: ``4h`` from now or ago, ``14:30`` (UTC), or a date with its zone. Pure."""

from __future__ import annotations

from h2o_console.acting.moments import LONGEST_S, NEVER, moment, moment_ahead, parse_duration
from h2o_console.cli.failures import CommandFailed, Exit


def ahead(option: str, typed: str, now_s: float, *, never: bool = False) -> float:
    """Unix seconds of a moment to come; ``14:30`` is the next one; 0 for ``never``, where that may be typed.

    A moment with its date is taken as it is, also when it has passed. Raises CommandFailed.
    """
    if never and typed == NEVER:
        return 0.0
    moment_s = moment_ahead(typed, now_s)
    if moment_s is None:
        also = f", or {NEVER}" if never else ""
        msg = f"{option} {typed} is no time within a year; write 4h, 14:30 (UTC) or 2026-01-31T14:30:00Z{also}"
        raise CommandFailed(Exit.USAGE, msg)
    return moment_s


def ago(option: str, typed: str, now_s: float) -> float:
    """Unix seconds of a moment that has been; ``14:30`` is the last one. Raises CommandFailed."""
    moment_s = moment(typed, now_s, -1)
    if moment_s is None or moment_s > now_s:
        msg = f"{option} {typed} is no time that has been; write 2h, 14:30 (UTC) or 2026-01-31T14:30:00Z"
        raise CommandFailed(Exit.USAGE, msg)
    return max(0.0, moment_s)


def duration(option: str, typed: str) -> float:
    """Seconds; raises CommandFailed."""
    seconds = parse_duration(typed)
    if seconds is None or seconds > LONGEST_S:
        raise CommandFailed(Exit.USAGE, f"{option} {typed} is no time; write 30s, 5m, 4h or 7d")
    return seconds
