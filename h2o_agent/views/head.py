"""What every answer begins with, and how values look in JSON. Pure."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot, Told

Json = dict[str, Any]

SCHEMA: Final = 1


def head(snapshot: Snapshot, told: Told) -> Json:
    """Whose answer it is, and how old what it says."""
    register = told.report.register
    return {
        "schema": SCHEMA,
        "fleet": snapshot.fleet,
        "host": snapshot.host,
        "as_of": moment(told.report.now_s),
        "report_age_s": seconds(told.age_s),
        "picture_age_s": seconds(register.picture_age_s + told.age_s) if register.picture_age_s >= 0 else None,
        "register": {
            "state": register.state,
            "silent_s": seconds(register.silent_s),
            "from_file": register.from_file,
            "alarms": len(register.alarms) + register.alarms_left_out,
        },
    }


def moment(unix_s: float) -> str | None:
    """RFC 3339; None for a time that never was."""
    return rfc3339(unix_s) if unix_s > 0 else None


def seconds(value_s: float) -> float:
    """An age, to the tenth."""
    return round(value_s, 1) if isfinite(value_s) else 0.0


def milliseconds(value_ms: float) -> float | None:
    """To the microsecond; None when unknown (NaN has no JSON, and a negative age means never)."""
    return round(value_ms, 3) if isfinite(value_ms) and value_ms >= 0 else None


def hexadecimal(incarnation: int) -> str:
    """64 bits, which a JSON number can't be trusted with."""
    return f"{incarnation:016x}"
