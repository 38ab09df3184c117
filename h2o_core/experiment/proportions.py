"""Two shares of requests: is one higher, by how much, and how many requests tell. Pure.

Counts are floats: those of requests that depend on one another are made smaller first (`clusters`).
"""

from __future__ import annotations

from math import ceil, copysign, inf, log, sqrt
from typing import Final, NamedTuple

from h2o_core.experiment.tails import normal_quantile

PLAN_ALPHA: Final = 0.01
PLAN_POWER: Final = 0.95
"""What a sample is planned for: one side, and the chance to see a difference that is there."""


class Share(NamedTuple):
    """`hits` of `total`, which are not whole after a correction."""

    hits: float
    total: float

    @property
    def value(self) -> float:
        """The share, 0 of nothing."""
        return self.hits / self.total if self.total else 0.0


def difference_z(control: Share, challenger: Share) -> float:
    """How many standard errors *challenger*'s share is above *control*'s, 0 when either has no requests.

    The signed root of the likelihood ratio of two proportions (Wilks 1938; Agresti, Categorical Data Analysis, 3.2):
    √(2 Σ observed · ln(observed / expected)). With few errors in a small arm, as here, the pooled-variance z is too
    ready to speak: for 5 of 120 against 1 % it gives 2.9 where the exact probability is that of 2.4, and this 2.6.
    """
    total = control.total + challenger.total
    if not control.total or not challenger.total:
        return 0.0
    pooled = (control.hits + challenger.hits) / total
    surprise = sum(
        _surprise(part, whole * share)
        for hits, whole in (control, challenger)
        for part, share in ((hits, pooled), (whole - hits, 1 - pooled))
    )
    return copysign(sqrt(max(0.0, 2 * surprise)), challenger.value - control.value)


def _surprise(observed: float, expected: float) -> float:
    return observed * log(observed / expected) if observed > 0 and expected > 0 else 0.0


def difference_interval(control: Share, challenger: Share, z: float) -> tuple[float, float]:
    """*challenger*'s share less *control*'s: from, to; *z* standard errors wide to each side.

    Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17 (1998) 873, method 10), which behaves at 0.
    """
    low_0, high_0 = wilson(control, z)
    low_1, high_1 = wilson(challenger, z)
    p_0, p_1 = control.value, challenger.value
    below = sqrt((p_1 - low_1) ** 2 + (high_0 - p_0) ** 2)
    above = sqrt((high_1 - p_1) ** 2 + (p_0 - low_0) ** 2)
    return p_1 - p_0 - below, p_1 - p_0 + above


def wilson(share: Share, z: float) -> tuple[float, float]:
    """Where the true share is (Wilson, JASA 22 (1927) 209)."""
    n = share.total
    if not n:
        return 0.0, 1.0
    p, square = share.value, z * z
    middle = (p + square / (2 * n)) / (1 + square / n)
    half = z * sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def needed(
    p_0: float, p_1: float, *, ratio: float = 1.0, alpha: float = PLAN_ALPHA, power: float = PLAN_POWER
) -> float:
    """Requests of the challenger that show *p_1* against *p_0* (inf when they are equal); rounded up.

    Fleiss, Levin and Paik, Statistical Methods for Rates and Proportions, 4.2, one-sided, without continuity
    correction; the control has *ratio* times as many. 1 % → 2 %, equal arms: 4,657.
    """
    if p_0 == p_1:
        return inf
    pooled = (p_1 + ratio * p_0) / (1 + ratio)
    null = normal_quantile(alpha) * sqrt((1 + 1 / ratio) * pooled * (1 - pooled))
    real = normal_quantile(1 - power) * sqrt(p_1 * (1 - p_1) + p_0 * (1 - p_0) / ratio)
    return ceil(((null + real) / (p_1 - p_0)) ** 2)
