"""Times as they are typed: ``10s``, ``1m``, ``1.5h``, or seconds alone."""

from __future__ import annotations

import re
from typing import Final

import click

_FORM: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_UNITS_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}
LEAST_S: Final = 1.0
LONGEST_S: Final = 86_400.0


def parse_duration(typed: str) -> float | None:
    """Seconds; None for what is no time."""
    found = _FORM.fullmatch(typed.strip())
    return float(found[1]) * _UNITS_S[found[2]] if found else None


class Duration(click.ParamType[float]):
    """A time between a second, which is how often brokers report, and a day; in seconds."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds; fails with a sentence that says what to write."""
        seconds = value if isinstance(value, float) else parse_duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is not a time; write 10s, 2m or 1h", param, ctx)
        if not LEAST_S <= seconds <= LONGEST_S:
            self.fail(f"{value} is not between 1s and 1d; brokers report once a second", param, ctx)
        return seconds


DURATION: Final = Duration()
