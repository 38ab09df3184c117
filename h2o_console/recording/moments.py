"""Moments of a recording as they are typed: ``14:02``, ``14:02:07`` (UTC), or a date and time with its zone. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from h2o_core.times import unix_s

_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
HOW: Final = "write 14:02, 14:02:07 (UTC) or 2026-01-31T14:02:00Z"


def moment(typed: str, near_s: float) -> float | None:
    """Unix seconds; a time of day is the one nearest to *near_s*. None: it is no moment."""
    found = _CLOCK.fullmatch(typed)
    if found is None:
        return unix_s(typed)
    near = datetime.fromtimestamp(near_s, UTC)
    hour, minute, second = (int(part or 0) for part in found.groups())
    then = near.replace(hour=hour, minute=minute, second=second, microsecond=0)
    return min((then + timedelta(days=day) for day in (-1, 0, 1)), key=lambda day: abs(day - near)).timestamp()
