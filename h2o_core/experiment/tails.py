"""Tails of the normal and the χ² distribution, from `erfc` and `exp`: what every test here ends in. Pure."""

from __future__ import annotations

from math import erfc, exp, pi, sqrt
from statistics import NormalDist
from typing import Final

_STANDARD: Final = NormalDist()


def normal_density(z: float) -> float:
    """φ(z)."""
    return exp(-z * z / 2) / sqrt(2 * pi)


def normal_tail(z: float) -> float:
    """P(Z > z) = erfc(z/√2)/2 of a standard normal Z (Abramowitz and Stegun 26.2.29); exact far out, too."""
    return erfc(z / sqrt(2)) / 2


def normal_quantile(tail: float) -> float:
    """The z with P(Z > z) = *tail*, 0 < *tail* < 1."""
    return -_STANDARD.inv_cdf(tail)


def chi_square_tail(x: float, freedom: int) -> float:
    """P(X > *x*) of a χ² with *freedom* ≥ 1 degrees (Abramowitz and Stegun 26.4.4 and 26.4.5).

    Even degrees are a Poisson sum, odd ones begin with the normal tail; each two degrees add one term.
    """
    if x <= 0:
        return 1.0
    half = x / 2
    odd = freedom % 2
    tail = erfc(sqrt(half)) if odd else exp(-half)
    term = 2 * sqrt(half / pi) * exp(-half) if odd else half * exp(-half)
    divisor = 1.5 if odd else 2.0
    for _ in range((freedom - 1) // 2):
        tail += term
        term *= half / divisor
        divisor += 1
    return tail
