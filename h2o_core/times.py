"""A moment, and how it is written: RFC 3339, in UTC, to the millisecond. The clock itself is `h2o_core.io.clock`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Unix seconds → ``2026-01-31T14:02:07.123Z``."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unix_s(said: str) -> float | None:
    """``2026-01-31T14:02:07.123Z``, or with an offset → Unix seconds; None for anything else."""
    try:
        moment = datetime.fromisoformat(said)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def clock(moment_s: float, now_s: float) -> str:
    """For people, in UTC: ``14:02:07`` of today, ``11-27 14:02`` of another day, with the year of another year."""
    moment, now = datetime.fromtimestamp(moment_s, UTC), datetime.fromtimestamp(now_s, UTC)
    if moment.date() == now.date():
        return f"{moment:%H:%M:%S}"
    return f"{moment:%m-%d %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of both clocks, taken together."""

    monotonic_ns: int
    unix_s: float
