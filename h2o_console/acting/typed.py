"""Weights, shares and times as they are typed, by a command or into a form, made values. Pure."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from h2o_console.acting.moments import LONGEST_S, NEVER, moment_ahead, parse_duration
from h2o_console.commands.mistake import Mistake
from h2o_core.control.traffic import WHOLE

if TYPE_CHECKING:
    from collections.abc import Sequence

_EDIT: Final = re.compile(r"(?P<version>[^=]+)=(?P<percent>[0-9]{1,3}(\.[0-9]{1,2})?)(?P<sign>%?)")
_POINTS: Final = re.compile(r"(?P<points>[0-9]{1,3}(\.[0-9]{1,2})?)%?")


def parse_weights(typed: Sequence[str], *, bare: bool = False) -> dict[str, int]:
    """``2.1.0=10%`` … → version → parts out of 10,000; *bare*: the sign may be missing. Raises Mistake."""
    edits: dict[str, int] = {}
    for text in typed:
        found = _EDIT.fullmatch(text.strip())
        if found is None or not (found["sign"] or bare):
            example = "2.1.0=10" if bare else "2.1.0=10%"
            msg = f"{text!r} is not a weight: VERSION=PERCENT, as in {example}"
            raise Mistake(msg)
        parts = int(Decimal(found["percent"]) * 100)
        if parts > WHOLE:
            msg = f"{text} is more than there is: 0% to 100%"
            raise Mistake(msg)
        if edits.setdefault(found["version"], parts) != parts:
            msg = f"{found['version']} is given two weights; keep one"
            raise Mistake(msg)
    return edits


def parse_points(typed: str, name: str) -> int:
    """``0.5%`` → 50 parts out of 10,000: a difference of shares; raises Mistake."""
    found = _POINTS.fullmatch(typed)
    parts = int(Decimal(found["points"]) * 100) if found else 0
    if not 0 < parts <= WHOLE:
        msg = f"{name} {typed} is no difference of error shares: 0.01% to 100%"
        raise Mistake(msg, f"one point, as from 1 % to 2 % of errors: {name} 1%")
    return parts


def parse_until(typed: str, now_s: float) -> float:
    """Unix seconds of ``4h`` from now, ``14:30`` or a date; 0.0 for ``never``. Raises Mistake."""
    if typed == NEVER:
        return 0.0
    moment_s = moment_ahead(typed, now_s)
    if moment_s is None:
        msg = f"{typed or 'nothing'} is no time within a year"
        raise Mistake(msg, "write 4h, 14:30 (UTC), 2026-01-31T14:30:00Z or never")
    return moment_s


def parse_grace(typed: str) -> float:
    """Seconds of ``5m``; raises Mistake."""
    seconds = parse_duration(typed)
    if seconds is None or seconds > LONGEST_S:
        msg = f"{typed or 'nothing'} is no time"
        raise Mistake(msg, "write 30s, 5m or 1h")
    return seconds
