"""Times as they are typed: ``10s``, ``1m``, ``1.5h``, or seconds alone."""

from __future__ import annotations

from typing import Final

import click

from h2o_console.acting.moments import parse_duration

LEAST_S: Final = 1.0
LONGEST_S: Final = 86_400.0


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
