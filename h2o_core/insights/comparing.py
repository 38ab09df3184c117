"""Is the one worse than the other, and by how much: failures, application errors, durations, each with a floor. Pure.

What is asked is not whether there is a difference but whether it is surely larger than what nobody gets up for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from h2o_core.figures import millis, ms, share, times
from h2o_core.insights.counts import (
    APPLICATION,
    FAILURES,
    Counts,
    above,
    ended_without,
    least_bucket,
    less,
    longer_than,
    quantile,
    reaches,
    reaches_bucket,
    upper_rank,
)
from h2o_core.insights.finding import Evidence, Trouble
from h2o_core.insights.ranked import Ranked

if TYPE_CHECKING:
    from collections.abc import Collection

    from h2o_core.insights.pieces import Timed

FEWEST: Final = 20
"""Requests of either side below which nothing is compared."""
FEWEST_HITS: Final = 5
"""Failures below which they are an anecdote."""
FAILURE_FLOOR: Final = 0.01
"""One point of failures more than the other, surely."""
APPLICATION_FLOOR: Final = 0.05
SLOWER_FACTOR: Final = 1.5
SLOWER_NS: Final = 5e6
"""And so much longer at the same quantile: half again, and 5 ms."""
_QUANTILES: Final = (0.95, 0.5)


class What(StrEnum):
    """What is worse."""

    FAILURES = "failures"
    APPLICATION = "application errors"
    DURATIONS = "durations"


@dataclass(frozen=True, slots=True)
class Worse:
    """One thing in which a side is worse. `words` say it of that side alone, `other` of what it is compared with.

    `hurt_per_s`: requests a second that suffer beyond what the other side's do.
    """

    what: What
    strength: float
    hurt_per_s: float
    words: str
    other: str
    evidence: Evidence

    @property
    def trouble(self) -> Trouble:
        """How requests suffer."""
        return Trouble.SLOW if self.what is What.DURATIONS else Trouble.ERRORS


def worse(now: Counts, reference: Counts) -> list[Worse]:
    """In what *now* is worse, the most hurt first; also what is at 0.6 of the floors (`Finding.strength`)."""
    if now.requests < FEWEST or reference.requests < FEWEST:
        return []
    found = [
        _share(now, reference, FAILURES, FAILURE_FLOOR, What.FAILURES),
        slower(now, reference),
        _share(now, reference, APPLICATION, APPLICATION_FLOOR, What.APPLICATION),
    ]
    return sorted((one for one in found if one is not None), key=_order)


def worst(now: Counts, reference: Counts) -> Worse | None:
    """The one that hurts most; None when it is not worse."""
    found = worse(now, reference)
    return found[0] if found else None


def _order(one: Worse) -> tuple[bool, bool, float]:
    """What opens before what only stays open; declared errors last: they may be meant."""
    return one.strength < 1, one.what is What.APPLICATION, -one.hurt_per_s


def _share(now: Counts, reference: Counts, codes: Collection[str], floor: float, what: What) -> Worse | None:
    ours, theirs = now.share(codes), reference.share(codes)
    if ours.hits < FEWEST_HITS:
        return None
    strength = above(theirs, ours) / floor
    if strength < STAYS:
        return None
    code = now.leading(codes)
    verb = f"{share(ours.value)} {code}" if what is What.FAILURES else f"{share(ours.value)} application errors"
    evidence = Evidence(f"{what} share", ours.value, "", theirs.value, now.span_s, now.requests)
    hurt = (ours.value - theirs.value) * now.per_s
    return Worse(what, strength, hurt, verb, share(theirs.value), evidence)


STAYS: Final = 0.6
"""What is open stays so until it is below this part of what opens it."""


def slower(now: Counts, reference: Counts) -> Worse | None:
    """Surely half again as long and 5 ms longer, at the 95th percentile or the median."""
    if not reference.times.count:
        return None
    ours_ranked, theirs_ranked = Ranked(now.times), Ranked(reference.times)
    for q in _QUANTILES:
        ours, theirs = quantile(ours_ranked, q), quantile(theirs_ranked, q)
        if ours is None or theirs is None:
            return None
        if ours.low_ns <= theirs.high_ns:
            continue
        limit_ns = _limit_ns(theirs.high_ns)
        strength = (ours.low_ns - theirs.high_ns) / (limit_ns - theirs.high_ns)
        if strength >= STAYS:
            name = f"p{q * 100:.0f}"
            words = f"{name} {millis(ours.ns)}"
            ratio = f" ({times(ours.ns / theirs.ns)})" if theirs.ns else ""
            evidence = Evidence(f"{name} duration", ms(ours.ns), "ms", ms(theirs.ns), now.span_s, now.times.count)
            hurt = max(0.0, longer_than(now.times, theirs.high_ns) - (1 - q)) * now.per_s
            return Worse(What.DURATIONS, strength, hurt, words, millis(theirs.ns) + ratio, evidence)
    return None


def _limit_ns(reference_ns: float) -> float:
    return max(reference_ns * SLOWER_FACTOR, reference_ns + SLOWER_NS)


def _least_ns(reference_ns: float) -> float:
    """What is longer by so much is open, or stays so."""
    return reference_ns + STAYS * (_limit_ns(reference_ns) - reference_ns)


@dataclass(frozen=True, slots=True)
class Bar:
    """What one of many has to reach before it can be worse than the rest of them: most don't, which is cheap to see.

    The k-th shortest of a part is never shorter than that of the whole: what the whole has at the rank of the upper
    bound of the smallest rest's quantile is a floor for that bound of every rest. And whose share is above the rest's,
    has one above the whole's.
    `reaches`: (quantile, the bucket that its lower bound has to reach). `ranked`: all durations of the whole.
    """

    reaches: tuple[tuple[float, int], ...]
    ranked: Ranked
    failures: float
    application: float

    @staticmethod
    def of(whole: Counts, largest: int) -> Bar:
        """*largest*: how many of the *whole*'s durations are of the part that has the most, of those to be compared."""
        ranked = Ranked(whole.times)
        rest = ranked.count - largest
        floors_ns = {q: ranked.at(upper_rank(rest, q)) if rest > 0 else 0.0 for q in sorted(_QUANTILES)}
        least = tuple((q, least_bucket(_least_ns(floor_ns))) for q, floor_ns in floors_ns.items())
        return Bar(least, ranked, whole.share(FAILURES).value, whole.share(APPLICATION).value)

    def lets_pass(self, now: Counts) -> bool:
        """*now* may be worse than the rest: compare it."""
        return self.may_fail_more(now) or self.may_be_slower(now)

    def may_fail_more(self, now: Counts) -> bool:
        """By its outcomes."""
        return _exceeds(now, FAILURES, self.failures) or _exceeds(now, APPLICATION, self.application)

    def may_be_slower(self, now: Counts) -> bool:
        """By its durations: it reaches what is enough for any, and then what it has to itself."""
        timed = now.timed
        return any(reaches_bucket(timed, q, bucket) and self._reaches(timed, q) for q, bucket in self.reaches)

    def _reaches(self, part: Timed, q: float) -> bool:
        rest = self.ranked.count - part.count
        return rest > 0 and reaches(part, q, _least_ns(self.ranked.at_without(upper_rank(rest, q), part)))

    def worst(self, now: Counts, whole: Counts) -> Worse | None:
        """Against the rest of the *whole*; durations are compared only where they may be longer."""
        if not self.lets_pass(now):
            return None
        return worst(now, less(whole, [now]) if self.may_be_slower(now) else ended_without(whole, now))


def _exceeds(now: Counts, codes: Collection[str], value: float) -> bool:
    hits = now.of(codes)
    return hits >= FEWEST_HITS and hits / now.requests > value
