"""Times as they are typed: ``4h``, ``14:30`` (UTC), a date with its zone. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from h2o_core.times import unix_s

NEVER: Final = "never"
LONGEST_S: Final = 366 * 86_400.0
_FORM: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def parse_duration(typed: str) -> float | None:
    """Seconds of ``10s``, ``1m``, ``1.5h``, or seconds alone; None for what is no time."""
    found = _FORM.fullmatch(typed.strip())
    return float(found[1]) * _UNITS_S[found[2]] if found else None


def moment(typed: str, now_s: float, direction: int) -> float | None:
    """Unix seconds; ``14:30`` is the next one (*direction* 1) or the last one (-1). None for what is no time."""
    if (clock := _CLOCK.fullmatch(typed)) is not None:
        now = datetime.fromtimestamp(now_s, UTC)
        then = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
        if (then - now).total_seconds() * direction < 0:
            then += timedelta(days=direction)
        return then.timestamp()
    if (seconds := parse_duration(typed)) is not None:
        return now_s + direction * seconds
    return unix_s(typed)


def moment_ahead(typed: str, now_s: float) -> float | None:
    """Unix seconds of a moment to come, within a year. One with its date is taken as it is, also when it has passed."""
    found_s = moment(typed, now_s, 1)
    return found_s if found_s is not None and found_s - now_s <= LONGEST_S else None
