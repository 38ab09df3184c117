"""What was counted in a span of time, added up, and the shares and quantiles that can be believed of it. Pure.

Small samples say little: a share is known from its Wilson bounds, a quantile from the order statistics around it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, sqrt
from typing import TYPE_CHECKING, Final

from h2o_core.errors import ERRORS, Code
from h2o_core.experiment.proportions import Share, difference_interval, wilson
from h2o_core.histogram import Histogram, bucket_of, middle_ns
from h2o_core.insights.pieces import Rest, Timed, sketch_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from h2o_core.insights.ranked import Ranked

Z: Final = 3.3
"""Standard errors to each side: one look in two thousand at one comparison is wrong before the floors are asked."""

FAULTS: Final = frozenset(code.name for code in ERRORS)
"""Outcomes by the package's or the platform's fault, as they are counted: by name."""
OVERLOADED: Final = frozenset({Code.OVERLOADED.name})
FAILURES: Final = FAULTS - OVERLOADED
"""What fails; to have no slot is another matter."""
APPLICATION: Final = frozenset({Code.APPLICATION.name})
UNSERVED: Final = frozenset({Code.NO_ROUTE.name, Code.UNAVAILABLE.name})
"""Nobody took the request."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Outcomes by code's name, durations (ns) as they are known, both within `span_s` seconds."""

    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])
    timed: Timed = field(default_factory=Histogram)
    span_s: float = 60.0

    @property
    def times(self) -> Histogram:
        """The durations, added up; not to be changed."""
        return sketch_of(self.timed)

    @property
    def requests(self) -> int:
        """All that ended."""
        return sum(self.outcomes.values())

    @property
    def per_s(self) -> float:
        """Requests a second."""
        return self.requests / self.span_s if self.span_s > 0 else 0.0

    def of(self, codes: Collection[str]) -> int:
        """Requests that ended so."""
        ended = 0
        for code, count in self.outcomes.items():  # a generator costs more than all the rest: it is asked of every row
            if code in codes:
                ended += count
        return ended

    def share(self, codes: Collection[str]) -> Share:
        """Of all."""
        return Share(self.of(codes), self.requests)

    def leading(self, codes: Collection[str]) -> str:
        """The most frequent of these outcomes, "" when there is none; of equals the first by name."""
        found = [(-count, code) for code, count in self.outcomes.items() if code in codes and count]
        return min(found)[1] if found else ""


NOTHING: Final = Counts(span_s=0.0)


def together(counts: Iterable[Counts | None]) -> Counts:
    """All of them, over the longest of their spans: they were counted side by side. What is None is left out."""
    known = [one for one in counts if one is not None]
    if len(known) == 1:
        return known[0]
    times = Histogram()
    for one in known:
        times.merge(one.times)
    whole = ended(known)
    return Counts(whole.outcomes, times, whole.span_s)


def ended(counts: Iterable[Counts]) -> Counts:
    """As `together`, only how they ended: whoever asks for shares alone does not pay for sketches."""
    outcomes: dict[str, int] = {}
    span_s = 0.0
    for one in counts:
        for code, count in one.outcomes.items():
            outcomes[code] = outcomes.get(code, 0) + count
        span_s = max(span_s, one.span_s)
    return Counts(outcomes, span_s=span_s)


def ended_without(whole: Counts, one: Counts) -> Counts:
    """As `less`, only how they ended."""
    left = {code: count - one.outcomes.get(code, 0) for code, count in whole.outcomes.items()}
    return Counts({code: count for code, count in left.items() if count > 0}, span_s=whole.span_s)


def surely(share: Share) -> float:
    """It is at least this."""
    return wilson(share, Z)[0]


def above(reference: Share, share: Share) -> float:
    """How much *share* is above *reference* at least; negative when it may not be."""
    return difference_interval(reference, share, Z)[0]


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile as measured, and the bounds of the true one, ns."""

    ns: float
    low_ns: float
    high_ns: float


def quantile(ranked: Ranked, q: float, z: float = Z) -> Quantile | None:
    """Bounds by the ranks *z* standard errors below and above (Conover, Practical Nonparametric Statistics, 3.2).

    None: nothing was timed. Of few durations the upper bound is the longest of them.
    """
    n = ranked.count
    if not n:
        return None
    reach = z * sqrt(q * (1 - q) / n)
    low, middle, high = (ranked.at(max(1, ceil(min(1.0, at) * n))) for at in (q - reach, q, q + reach))
    return Quantile(middle, low, high)


def upper_rank(n: int, q: float, z: float = Z) -> int:
    """The rank, of *n*, of that quantile's upper bound. More of them never make it less."""
    return max(1, ceil(min(1.0, q + z * sqrt(q * (1 - q) / n)) * n))


def reaches(times: Timed, q: float, limit_ns: float, z: float = Z) -> bool:
    """The lower bound of that quantile is *limit_ns* or more: as `quantile` has it, without looking for it."""
    return reaches_bucket(times, q, least_bucket(limit_ns), z)


def least_bucket(limit_ns: float) -> int:
    """What is in lower buckets is surely shorter: what is in the limit's, or the one below it, may be either."""
    return bucket_of(ceil(limit_ns)) - 1


def reaches_bucket(times: Timed, q: float, bucket: int, z: float = Z) -> bool:
    """As `reaches`, for a limit whose `least_bucket` is known: it is asked of thousands."""
    n = times.count
    return n > 0 and times.below(bucket) < max(1, ceil((q - z * sqrt(q * (1 - q) / n)) * n))


def longer_than(times: Histogram, limit_ns: float) -> float:
    """The share of durations above *limit_ns*; 0 of nothing."""
    n = times.count
    return sum(count for at, count in times.buckets.items() if middle_ns(at) > limit_ns) / n if n else 0.0


def mean_ns(times: Histogram) -> float | None:
    """None: nothing was timed."""
    return times.sum_ns / times.count if times.count else None


def less(whole: Counts, parts: Sequence[Counts]) -> Counts:
    """*whole* without *parts* of it: where they are few, that is cheaper than adding up all others.

    Never below zero, should the whole have been added up a moment earlier.
    """
    if not parts:
        return whole
    timed = Rest(whole.timed, [one.timed for one in parts])
    return Counts(ended_without(whole, ended(parts)).outcomes, timed, whole.span_s)
