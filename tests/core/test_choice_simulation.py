"""The choice of an instance over time: slow, failing and cold instances, simulated on a virtual clock, over ten seeds.

Ten instances, 500 requests a second at random moments, 20 ms each on average, as TRAFFIC's own figures.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

import pytest

from h2o_core.choice import Candidates, choose
from h2o_core.errors import Code
from h2o_core.load import Load, median_latency_ns

S = 1_000_000_000
RATE = 500
SEEDS = range(10)

Serve = Callable[[random.Random], tuple[float, bool]]
"""→ (seconds, failed)."""


def well(dice: random.Random) -> tuple[float, bool]:
    return dice.gauss(0.020, 0.003), False


def slow(dice: random.Random) -> tuple[float, bool]:
    return well(dice)[0] * 10, False


def broken(_: random.Random) -> tuple[float, bool]:
    return 0.001, True


def now_and_then(dice: random.Random) -> tuple[float, bool]:
    return well(dice)[0], dice.random() < 0.01


@dataclass(eq=False)
class Instance:
    serve: Serve
    load: Load
    since_ns: int = 0
    place: int = 0
    pending: int = 0
    chosen: list[int] = field(default_factory=list[int])
    """When, each time."""


class Fleet:
    """One broker, its instances, and the moments at which they answer."""

    def __init__(self, seed: int, serves: list[Serve]) -> None:
        self.dice = random.Random(seed)
        self.now = 60 * S
        self.begun = self.now
        self.instances = [Instance(serve, Load(0)) for serve in serves]
        self.candidates = Candidates(self.instances)
        self.answers: list[tuple[int, int, Instance, int, bool]] = []
        self.failed: list[int] = []
        self.serial = 0

    def join(self, serve: Serve) -> Instance:
        known = median_latency_ns((one.load for one in self.instances), self.now)
        self.instances.append(Instance(serve, Load(self.now, known), self.now))
        self.candidates = Candidates(self.instances)
        return self.instances[-1]

    def run(self, seconds: float, rate: float = RATE) -> None:
        end = self.now + int(seconds * S)
        while (asked := self.now + int(self.dice.expovariate(rate) * S)) < end:
            while self.answers and self.answers[0][0] <= asked:
                at, _, instance, sent, failed = heappop(self.answers)
                instance.pending -= 1
                instance.load.learn(at - sent, Code.INTERNAL if failed else Code.OK, at)
                if failed:
                    self.failed.append(sent - self.begun)
            self.now = asked
            instance = choose(self.candidates, asked, self.dice.random)
            instance.pending += 1
            instance.chosen.append(asked - self.begun)
            taken_s, failed = instance.serve(self.dice)
            self.serial += 1
            heappush(self.answers, (asked + int(taken_s * S), self.serial, instance, asked, failed))
        self.now = end

    def share(self, number: int, begin_s: float, end_s: float) -> float:
        """One instance's requests between the two, as a multiple of an equal part."""
        counts = [self._between(one.chosen, begin_s, end_s) for one in self.instances]
        return counts[number] * len(counts) / sum(counts)

    def failed_share(self, begin_s: float, end_s: float) -> float:
        asked = sum(self._between(one.chosen, begin_s, end_s) for one in self.instances)
        return self._between(self.failed, begin_s, end_s) / asked

    @staticmethod
    def _between(moments: list[int], begin_s: float, end_s: float) -> int:
        return sum(begin_s * S <= at < end_s * S for at in moments)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_slow_instance_gets_less_than_a_third_of_its_part(seed: int, from_the_start: bool) -> None:
    fleet = Fleet(seed, [slow if from_the_start else well] + [well] * 9)
    fleet.run(5)
    fleet.instances[0].serve = slow
    fleet.run(10)
    assert fleet.share(0, 5, 15) < 0.3


@pytest.mark.parametrize("seed", SEEDS)
def test_an_instance_that_fails_everything_at_once_is_left_within_two_seconds(seed: int) -> None:
    fleet = Fleet(seed, [broken] + [well] * 9)
    fleet.run(12)
    assert fleet.failed_share(2, 12) <= 0.005


@pytest.mark.parametrize("seed", SEEDS)
def test_one_that_begins_to_fail_is_left_as_its_successes_are_forgotten(seed: int) -> None:
    """Ejection by its own broker is faster; this is what is left to those that hear of none."""
    fleet = Fleet(seed, [well] * 10)
    fleet.run(5)
    fleet.instances[0].serve = broken
    fleet.run(17)
    assert fleet.failed_share(5, 22) < 0.02
    assert fleet.failed_share(17, 22) < 0.003


@pytest.mark.parametrize("seed", SEEDS)
def test_background_errors_change_nobody_s_part(seed: int) -> None:
    fleet = Fleet(seed, [now_and_then] * 10)
    fleet.run(30)
    assert 0.007 < fleet.failed_share(0, 30) < 0.013
    assert all(0.8 < fleet.share(number, 0, 30) < 1.2 for number in range(10))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cold_instance_never_gets_more_than_its_part(seed: int) -> None:
    fleet = Fleet(seed, [well] * 9)
    fleet.run(5)
    fleet.join(well)
    fleet.run(40)
    shares = [fleet.share(9, begin, begin + 5) for begin in range(5, 45, 5)]
    assert max(shares) <= 1.3
    assert shares[0] < 0.4, "it enters by and by"
    assert min(shares[-2:]) > 0.8, "and is one of them in the end"
