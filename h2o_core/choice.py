"""Which instance: two at random, the one with less load; near before far, new ones by and by. Pure.

Mitzenmacher, "The Power of Two Choices in Randomized Load Balancing" (2001), within each of three places: our own host,
our own zone, elsewhere. The winner of a nearer place is taken while its load is within 1.2 × of that of the farther
ones' winner. An instance that is new, among others that are not, is drawn as much less often as it is young.
`chances` is the same rule read as probabilities; tests hold the two together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from h2o_core.load import Load

OWN_HOST: Final = 0
OWN_ZONE: Final = 1
ELSEWHERE: Final = 2
"""Where a candidate is, seen from the broker that chooses."""
NEARER_MAY_BE: Final = 1.2
"""So much more loaded."""
NEW_FOR_NS: Final = 30_000_000_000
LEAST_INCLUSION: Final = 0.1
_DRAWS: Final = 64
"""After so many that were not included one is taken as it comes: dice may be bad, and 0.9⁶⁴ is a thousandth."""


class Candidate(Protocol):
    """What a choice looks at."""

    @property
    def pending(self) -> int:
        """Requests handed to it and not answered yet."""
        ...

    @property
    def load(self) -> Load:
        """What is known of it."""
        ...

    @property
    def since_ns(self) -> int:
        """When this broker first saw it."""
        ...

    @property
    def place(self) -> int:
        """OWN_HOST, OWN_ZONE or ELSEWHERE."""
        ...


C = TypeVar("C", bound=Candidate)


class Place(Generic[C]):
    """The candidates of one place."""

    __slots__ = ("first_ns", "last_ns", "members")

    def __init__(self, members: Sequence[C]) -> None:
        self.members = members
        self.first_ns = min(one.since_ns for one in members)
        self.last_ns = max(one.since_ns for one in members)


class Candidates(Generic[C]):
    """Whom a request may be given to, put in order once so that each choice costs the same however many they are.

    Does not follow changes of its members' `place` or `since_ns`: those make new candidates.
    """

    __slots__ = ("first_ns", "last_ns", "members", "places")

    def __init__(self, members: Iterable[C]) -> None:
        self.members = tuple(members)
        near = sorted({one.place for one in self.members}, reverse=True)
        self.places = [Place([one for one in self.members if one.place == place]) for place in near]
        """Farthest first, none of them empty."""
        self.first_ns = min((place.first_ns for place in self.places), default=0)
        self.last_ns = max((place.last_ns for place in self.places), default=0)

    def __len__(self) -> int:
        return len(self.members)

    def __iter__(self) -> Iterator[C]:
        return iter(self.members)

    def gradual(self, now: int) -> bool:
        """Some are new, and some are not: those that are new enter by and by."""
        return self.last_ns > now - NEW_FOR_NS >= self.first_ns


def inclusion(since_ns: int, now: int) -> float:
    """How much of its usual part in the draws an instance has that was first seen at *since_ns*: 0.1 … 1."""
    return min(1.0, max(LEAST_INCLUSION, (now - since_ns) / NEW_FOR_NS))


def choose(candidates: Candidates[C], now: int, dice: Callable[[], float]) -> C:
    """One of *candidates*, of which there must be one at least; *dice* returns [0, 1)."""
    members = candidates.members
    if len(members) == 1:
        return members[0]
    gradual = candidates.gradual(now)
    best: C | None = None
    least = 0.0
    for place in candidates.places:
        members = place.members
        count = len(members)
        if gradual and place.last_ns > now - NEW_FOR_NS:
            pair = _draw_gradually(place, now, dice)
            if pair is None:
                continue
            one, other = pair
        elif count == 1:
            one = other = members[0]
        else:
            first = int(dice() * count)
            second = int(dice() * (count - 1))
            one = members[first]
            other = members[second if second < first else second + 1]
        load = one.load.value(one.pending, now)
        if other is not one:
            load_of_other = other.load.value(other.pending, now)
            if load_of_other < load:
                one, load = other, load_of_other
        if best is None or load <= least * NEARER_MAY_BE:
            best, least = one, load
    assert best is not None
    return best


def _draw_gradually(place: Place[C], now: int, dice: Callable[[], float]) -> tuple[C, C] | None:
    """Two of a place with new ones in it, the same one twice when it is alone; None: the place is not included.

    A place that has only new ones is included as its oldest is. Within it they are drawn by their inclusion: one that
    the dice reject is drawn again.
    """
    oldest = inclusion(place.first_ns, now)
    if oldest < 1.0 and dice() >= oldest:
        return None
    members = place.members
    first = _accepted(members, -1, oldest, now, dice)
    second = _accepted(members, first, oldest, now, dice) if len(members) > 1 else first
    return members[first], members[second]


def _accepted(members: Sequence[C], taken: int, oldest: float, now: int, dice: Callable[[], float]) -> int:
    """The index of one that is included, other than *taken*."""
    count = len(members) - (taken >= 0)
    no_longer_new = now - NEW_FOR_NS
    at = 0
    for _ in range(_DRAWS):
        at = int(dice() * count)
        if taken >= 0 and at >= taken:
            at += 1
        since_ns = members[at].since_ns
        if since_ns <= no_longer_new or dice() * oldest < inclusion(since_ns, now):
            break
    return at


def chances(candidates: Candidates[C], now: int) -> list[float]:
    """How probable each of *candidates* is to be chosen now, in their order; the sum is 1."""
    gradual = candidates.gradual(now)
    found: _Odds = ([], [])
    at = {id(one): index for index, one in enumerate(candidates.members)}
    where: list[int] = []
    for place in candidates.places:
        weights = [inclusion(one.since_ns, now) if gradual else 1.0 for one in place.members]
        loads = [one.load.value(one.pending, now) for one in place.members]
        enters = max(weights)
        nearer = [enters * odds for odds in _of_two(weights, loads)]
        found = _merge(found, (nearer, loads))
        where += [at[id(one)] for one in place.members]
    result = [0.0] * len(candidates)
    for index, odds in zip(where, found[0], strict=True):
        result[index] = odds
    return result


_Odds = tuple[list[float], list[float]]
"""Of some candidates: how probable each is to win, and its load. The sum may be less than 1: then nobody has."""


def _of_two(weights: Sequence[float], loads: Sequence[float]) -> list[float]:
    """The odds of each to be the less loaded of two, drawn one after the other in proportion to *weights*.

    Of two that are equal the first drawn wins.
    """
    if len(weights) == 1:
        return [1.0]
    total = sum(weights)
    order = sorted(range(len(loads)), key=loads.__getitem__)
    ordered = [loads[index] for index in order]
    # for the k-th and all after it: Σ w, and Σ w ÷ (what is left to draw from once it is drawn)
    as_second = [*_sums_from([weights[index] for index in order]), 0.0]
    as_first = [*_sums_from([weights[index] / (total - weights[index]) for index in order]), 0.0]
    odds = [0.0] * len(loads)
    for index in order:
        weight = weights[index]
        no_less = bisect_left(ordered, loads[index])
        more = bisect_right(ordered, loads[index])
        second = as_second[no_less] - weight
        odds[index] = weight / total * (second / (total - weight) + as_first[more])
    return odds


def _sums_from(values: Sequence[float]) -> list[float]:
    """For each place: the sum of all from there on."""
    return list(accumulate(reversed(values)))[::-1]


def _merge(far: _Odds, near: _Odds) -> _Odds:
    """The odds once the nearer ones' winner has been held against the farther ones'."""
    far_odds, far_loads = far
    near_odds, near_loads = near
    # how probable it is that the farther winner has at least a load, or that there is none
    limits = sorted((load * NEARER_MAY_BE, odds) for load, odds in zip(far_loads, far_odds, strict=True))
    at_least = [*_sums_from([odds for _, odds in limits]), 0.0]
    nobody = 1.0 - at_least[0]
    kept_near = [
        odds * (nobody + at_least[bisect_left(limits, (load, 0.0))])
        for load, odds in zip(near_loads, near_odds, strict=True)
    ]
    # and that the nearer winner has more than a load allows, or that there is none
    order = sorted(zip(near_loads, near_odds, strict=True))
    more_than = [*_sums_from([odds for _, odds in order]), 0.0]
    nobody = 1.0 - more_than[0]
    ordered = [load for load, _ in order]
    kept_far = [
        odds * (nobody + more_than[bisect_right(ordered, load * NEARER_MAY_BE)])
        for load, odds in zip(far_loads, far_odds, strict=True)
    ]
    return kept_far + kept_near, [*far_loads, *near_loads]
