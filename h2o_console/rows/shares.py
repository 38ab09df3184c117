"""Shares of requests as a cell has them: those that failed, and those that got a declared error. Pure."""

from __future__ import annotations

from h2o_console.rows.cells import Tone
from h2o_console.rows.figures import percent
from h2o_console.rows.reasons import error_tone


def failed_share(failed: int, requests: int) -> tuple[str, Tone]:
    """As loud as it is bad."""
    return percent(failed, requests), error_tone(failed, requests)


def declared_share(declared: int, requests: int) -> tuple[str, Tone]:
    """What a package declares is no failure of it."""
    return percent(declared, requests), Tone.PLAIN if declared else Tone.DIM
