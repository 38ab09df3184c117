"""What a broker would have counted: sketches and outcomes that grow when somebody looks. Pure.

A counter is advanced to a moment by as many requests as its rate yields, so that a host that nobody asks costs
nothing. It begins with some hours of traffic behind it, because young sketches are small and cheap.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi
from random import Random
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code
from h2o_core.histogram import Histogram, middle_ns
from h2o_core.pb.stats_pb2 import OutcomeCount

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableSequence

    from bench.simulator.plan import Feature
    from h2o_core.pb.stats_pb2 import FeatureStats, Sketch

BEFORE_S: Final = 6 * 3600.0
"""For so long everything has run when the simulation begins."""
_DRAWS: Final = 2048
_SWING: Final = 0.4
_SWING_S: Final = 90.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A distribution of times: bucket indexes, their share, their middle, and the order in which they are drawn."""

    index: tuple[int, ...]
    share: tuple[float, ...]
    middle_ns: tuple[int, ...]
    draws: tuple[int, ...]


@lru_cache(maxsize=256)
def shape(takes_ms: float) -> Shape:
    """Log-normal around *takes_ms*, with one in fifty ten times as long."""
    dice = Random(round(takes_ms * 1000))
    histogram = Histogram()
    times_ns = [
        int(takes_ms * 1e6 * dice.lognormvariate(0, 0.45) * (10 if dice.random() < 0.02 else 1)) for _ in range(_DRAWS)
    ]
    for time_ns in times_ns:
        histogram.record(time_ns)
    index, count = histogram.lists()
    place = {at: position for position, at in enumerate(index)}
    draws: list[int] = []
    for time_ns in times_ns:
        one = Histogram()
        one.record(time_ns)
        draws.append(place[next(iter(one.buckets))])
    return Shape(
        tuple(index), tuple(n / _DRAWS for n in count), tuple(int(middle_ns(at)) for at in index), tuple(draws)
    )


class Growing:
    """One sketch with its outcomes, in place in a report, at *per_s* requests a second on average."""

    def __init__(
        self,
        feature: Feature,
        per_s: float,
        slowness: float,
        dice: Random,
        sketch: Sketch,
        outcomes: MutableSequence[OutcomeCount],
    ) -> None:
        """*slowness* multiplies its times."""
        self._per_s = per_s
        self._phase = dice.random()
        self._fails, self._declines = feature.fails, feature.declines
        self._cursor = dice.randrange(_DRAWS)
        self._shape = shape(feature.takes_ms * slowness)
        self._done = self._due(0.0)
        self._sketch, self._outcomes = sketch, outcomes
        self._places: Mapping[int, int] = {}
        self._counts: dict[Code, OutcomeCount] = {}
        self._begin(per_s * BEFORE_S)

    def _begin(self, requests: float) -> None:
        kept = [(at, count) for at, share in enumerate(self._shape.share) if (count := int(share * requests))]
        self._places = {at: place for place, (at, _) in enumerate(kept)}
        self._sketch.index.extend([self._shape.index[at] for at, _ in kept])
        self._sketch.count.extend([count for _, count in kept])
        self._sketch.sum = sum(count * self._shape.middle_ns[at] for at, count in kept)
        total = sum(count for _, count in kept)
        bad, declared = int(total * self._fails), int(total * self._declines)
        self._answer(Code.OK, total - bad - declared)
        self._answer(Code.INTERNAL, bad)
        self._answer(Code.APPLICATION, declared)

    def _add(self, at: int, count: int) -> None:
        """A bucket that was empty: its place is that of its index among the others."""
        known, index = self._sketch.index, self._shape.index[at]
        place = bisect_left(known, index)
        known.insert(place, index)
        self._sketch.count.insert(place, count)
        self._sketch.sum += count * self._shape.middle_ns[at]
        self._places = {**{one: where + (where >= place) for one, where in self._places.items()}, at: place}

    def _answer(self, code: Code, more: int) -> None:
        if not more:
            return
        known = self._counts.get(code)
        if known is None:
            self._outcomes.append(OutcomeCount(code=code))
            known = self._counts[code] = self._outcomes[-1]
        known.count += more

    def _due(self, t_s: float) -> int:
        """Requests until *t_s*, which is the integral of a rate that swings around its mean."""
        turn = 2 * pi * (t_s / _SWING_S + self._phase)
        return int(self._per_s * (t_s + _SWING * _SWING_S / (2 * pi) * (1 - cos(turn))) + self._phase)

    def advance(self, t_s: float) -> Code | None:
        """Count what came until *t_s* (seconds of the simulation); the worst new outcome, None when nothing came."""
        due = self._due(t_s)
        new, self._done = due - self._done, due
        if new <= 0:
            return None
        first, last = self._cursor, self._cursor + new
        self._cursor = last
        self._time(first, last)
        bad = int(last * self._fails) - int(first * self._fails)
        declared = int(last * self._declines) - int(first * self._declines)
        self._answer(Code.OK, max(new - bad - declared, 0))
        self._answer(Code.INTERNAL, bad)
        self._answer(Code.APPLICATION, declared)
        return Code.INTERNAL if bad else Code.APPLICATION if declared else Code.OK

    def _time(self, first: int, last: int) -> None:
        draws, middles, counts = self._shape.draws, self._shape.middle_ns, self._sketch.count
        sum_ns = 0
        for number in range(first, last):
            at = draws[number % _DRAWS]
            place = self._places.get(at)
            if place is None:
                self._add(at, 1)
            else:
                counts[place] += 1
                sum_ns += middles[at]
        self._sketch.sum += sum_ns


class Served:
    """A feature of one instance: the broker's FeatureStats of it, in place."""

    __slots__ = ("_growing", "_stats")

    def __init__(self, stats: FeatureStats, feature: Feature, per_s: float, slowness: float, dice: Random) -> None:
        stats.feature = feature.name
        self._stats = stats
        self._growing = Growing(feature, per_s, slowness, dice, stats.processing, stats.outcomes)

    def advance(self, t_s: float, unix_s: float) -> None:
        """Up to *t_s*, which is *unix_s* by the host's clock."""
        worst = self._growing.advance(t_s)
        if worst in {Code.INTERNAL, Code.APPLICATION}:
            declared = worst is Code.APPLICATION
            self._stats.last_error = "unknown_customer: there is none" if declared else "KeyError: 'currency'"
            self._stats.last_error_time_s = unix_s
