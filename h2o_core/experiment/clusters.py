"""How much less requests say that hang together: those of one key succeed, fail and dawdle together. Pure.

A customer whose data break a version fails a thousand times, and is one customer. So requests with a key are counted
by group too, and every group holds whole keys; what differs between groups more than chance explains is the keys'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zlib import crc32

from h2o_core.experiment.proportions import Share

if TYPE_CHECKING:
    from collections.abc import Sequence

GROUPS: Final = 32
FEWEST_GROUPS: Final = 12
"""Of fewer than this nobody can say how much they differ: so few keys are no evidence."""


def group_of(key: bytes) -> int:
    """Which group a sticky key is in, the same on every host, and whatever version it has."""
    return crc32(key) % GROUPS


def design_effect(hits: Sequence[float], totals: Sequence[float], variance: float) -> float:
    """How many times the variance of Σ hits / Σ totals is what independent requests would give it; 1 at least.

    *hits* and *totals* by group, *variance*: of one request's (p (1 − p) of a share). The ratio's variance by
    linearisation between groups (Cochran, Sampling Techniques, 6.4; Rao and Scott, Biometrics 48 (1992) 577).
    """
    groups = sum(1 for total in totals if total)
    whole = sum(totals)
    if groups < 2 or variance <= 0:
        return 1.0
    ratio = sum(hits) / whole
    between = sum((hit - ratio * total) ** 2 for hit, total in zip(hits, totals, strict=True))
    return max(1.0, between * groups / (groups - 1) / (whole * variance))


def share_effect(hits: Sequence[float], totals: Sequence[float]) -> float:
    """The design effect of a share."""
    whole = sum(totals)
    p = sum(hits) / whole if whole else 0.0
    return design_effect(hits, totals, p * (1 - p))


def corrected(hits: float, total: float, effect: float) -> Share:
    """The share of as many independent requests as say the same (Rao and Scott's effective counts)."""
    return Share(hits / effect, total / effect)
