"""How far a statistic must go to be believed, however often it is looked at: alpha is spent by requests, not by looks.

A difference that is looked at after every request crosses a fixed limit sooner or later, without any difference. So
the limit is the one that a version without a difference crosses *ever* with probability alpha, with a look after each
request: who types `status` a thousand times makes no error likelier, and nobody's looks have to be remembered. Pure.
"""

from __future__ import annotations

from functools import lru_cache
from math import log
from typing import Final

from h2o_core.experiment.tails import normal_density

FIRST_LOOK: Final = 100
"""Requests of the smaller arm before anything is said."""
HORIZON: Final = 10_000
"""Requests of the smaller arm within which alpha is spent."""
RESERVE: Final = 0.1
"""Of alpha, in addition, for all that comes after the horizon: halved, thirded, … by the doublings."""
_HIGHEST_Z: Final = 40.0


def crossing(z: float, growth: float) -> float:
    """P(a standardised sum rises above *z* ≥ 1 at some time while its sample grows by the factor *growth*).

    Siegmund, Sequential Analysis (1985), 4.4: for a Brownian motion W with a look at every moment,
    P(sup |W(t)|/√t ≥ z) ≈ φ(z) ((z − 1/z) ln growth + 4/z); one side of it is half of that.
    """
    return normal_density(z) * ((z - 1 / z) * log(growth) + 4 / z) / 2


@lru_cache(maxsize=256)
def limit(alpha: float, growth: float) -> float:
    """The z that is crossed with probability *alpha*: the reverse of `crossing`."""
    low, high = 1.0, _HIGHEST_Z
    while high - low > 1e-9:
        middle = (low + high) / 2
        if crossing(middle, growth) > alpha:
            low = middle
        else:
            high = middle
    return high


def believable(size: float, alpha: float) -> float | None:
    """How many standard errors a difference must have with *size* requests in the smaller arm; None: too few.

    The probability that a version without a difference ever has as many, on the one side that is asked about, is
    *alpha* up to the horizon, and never more than 1.1 × *alpha*. Pocock's constant limit, for continuous looks.
    """
    if size < FIRST_LOOK:
        return None
    if size <= HORIZON:
        return limit(alpha, HORIZON / FIRST_LOOK)
    doubling, end = 1, 2 * HORIZON
    while size > end:
        doubling, end = doubling + 1, end * 2
    return limit(alpha * RESERVE / (doubling * (doubling + 1)), 2.0)
