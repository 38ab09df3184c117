"""Two sketches of durations: does a request of the one take longer, and by how much, straight from the buckets. Pure.

Ranks need no shape of the distribution, and no sample: the sketch is one, with ties. Buckets are equally wide in
the logarithm, so a shift by whole buckets is a factor: what is estimated is how much longer, in per cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan, sqrt
from typing import TYPE_CHECKING, Final

from h2o_core.histogram import BUCKETS_PER_OCTAVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.histogram import Histogram

LEAST_FACTOR: Final = 1.1
LEAST_NS: Final = 5_000_000.0
"""The floor: who is slower by less than 10 % and by less than 5 ms is not told of, however sure it is."""
_MEDIAN: Final = 0.5
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class Slower:
    """How the challenger's durations stand to the control's.

    `z`: standard errors, positive when they are longer. `factor` 1.12: 12 % longer, from `low` to `high`; `by_ns` is
    that of the median. nan without requests.
    """

    z: float
    factor: float
    low: float
    high: float
    by_ns: float

    @property
    def matters(self) -> bool:
        """It is above the floor, in whichever direction."""
        return max(self.factor, 1 / self.factor) >= LEAST_FACTOR or abs(self.by_ns) >= LEAST_NS


_NOTHING: Final = Slower(0.0, nan, nan, nan, nan)


def slower(control: Histogram, challenger: Histogram, *, effect: float = 1.0, width: float = 2.0) -> Slower:
    """Compare two sketches. *effect*: design effect of the requests (`clusters`); *width*: the interval's, in errors.

    Mann and Whitney's U with its variance corrected for ties (Lehmann, Nonparametrics, 1.4: N³ − N less Σ t³ − t),
    the shift and its interval by Hodges and Lehmann: the quantiles of all pairs' differences (Lehmann 2.5).
    """
    ours, theirs = _counts(challenger), _counts(control)
    n_1, n_0 = sum(ours.values()), sum(theirs.values())
    if not n_1 or not n_0:
        return _NOTHING
    total = n_1 + n_0
    below, wins, ties = 0, 0.0, 0
    for bucket in sorted(ours.keys() | theirs.keys()):
        here, there = ours.get(bucket, 0), theirs.get(bucket, 0)
        wins += here * (below + there / 2)
        below += there
        ties += (here + there) ** 3 - (here + there)
    pairs = n_1 * n_0
    spread = sqrt(max(0.0, effect * pairs / 12 * (total + 1 - ties / (total * (total - 1)))))
    z = (wins - pairs / 2) / spread if spread else 0.0
    shifts = _shifts(ours, theirs)
    reach = width * spread / pairs
    low, middle, high = (_shift_at(shifts, pairs, q) for q in (_MEDIAN - reach, _MEDIAN, _MEDIAN + reach))
    factor = _factor(middle)
    median_0, median_1 = control.quantile(_MEDIAN), challenger.quantile(_MEDIAN)
    # From the shorter median, so that the two versions' change of places is only one of sign.
    by_ns = (factor - 1) * median_0 if factor >= 1 else -(1 / factor - 1) * median_1
    return Slower(z, factor, _factor(low), _factor(high), by_ns)


def _factor(shift: float) -> float:
    return 2 ** (shift / BUCKETS_PER_OCTAVE)


def _counts(sketch: Histogram) -> dict[int, int]:
    """Bucket → count; what took no time that could be measured is in the lowest."""
    counts = dict(sketch.buckets)
    if sketch.zero:
        counts[0] = counts.get(0, 0) + sketch.zero
    return counts


def _shifts(ours: Mapping[int, int], theirs: Mapping[int, int]) -> list[tuple[int, int]]:
    """(buckets between the two of a pair, pairs), ascending."""
    shifts: dict[int, int] = {}
    for there, many in theirs.items():
        for here, count in ours.items():
            shifts[here - there] = shifts.get(here - there, 0) + count * many
    return sorted(shifts.items())


def _shift_at(shifts: list[tuple[int, int]], pairs: int, quantile: float) -> float:
    """The pairs' shift at that quantile, evenly spread within its bucket; in a gap the gap's middle."""
    wanted = min(pairs, max(0.0, quantile * pairs))
    if abs(wanted - round(wanted)) < _ROUNDING * pairs:  # a gap's middle or a bucket's edge is not rounding's choice
        wanted = round(wanted)
    seen = 0
    for at, (shift, count) in enumerate(shifts):
        if seen + count > wanted:
            return shift - 0.5 + (wanted - seen) / count
        seen += count
        if seen == wanted and at + 1 < len(shifts):
            return (shift + shifts[at + 1][0]) / 2
    return shifts[-1][0] + 0.5
