"""How often an experiment is wrong: seeded experiments without a difference, and with one, looked at all the time.

Figures of many more rounds are in decision 0026; the bounds here are four standard errors away from these.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import exp
from random import Random

import pytest

from h2o_core.assignment import CompiledTraffic
from h2o_core.control.traffic import WHOLE, Traffic
from h2o_core.experiment.arms import Arm, Counted, Groups
from h2o_core.experiment.clusters import GROUPS
from h2o_core.experiment.judging import ERRORS_ALPHA, OTHERS_ALPHA, Verdict, judge
from h2o_core.experiment.looks import believable
from h2o_core.experiment.proportions import Share, difference_z
from h2o_core.histogram import Histogram
from tests.support.trials import NEW, STABLE, binomial, counted, durations, shares

STEP = 20
"""Requests of the new version between two looks; the stable one gets nine times as many."""


def _ever(dice: Random, p_0: float, p_1: float, size: int) -> tuple[bool, bool]:
    """(ever called worse, ever called better), of *size* requests of the new version."""
    hits_0 = hits_1 = 0
    worse = better = False
    for n in range(STEP, size + 1, STEP):
        hits_0 += binomial(dice, 9 * STEP, p_0)
        hits_1 += binomial(dice, STEP, p_1)
        width = believable(n, ERRORS_ALPHA)
        if width is not None and max(hits_0, hits_1) >= 3:
            z = difference_z(Share(hits_0, 9 * n), Share(hits_1, n))
            worse, better = worse or z >= width, better or z <= -width
    return worse, better


@pytest.mark.parametrize("errors", [0.01, 0.2])
def test_a_version_without_a_difference_is_hardly_ever_called_worse(errors: float) -> None:
    """With a look after each twentieth request: a limit of 5 % a look would give more than 25 %."""
    dice, rounds = Random(1), 300
    found = [_ever(dice, errors, errors, 2000) for _ in range(rounds)]
    allowed = ERRORS_ALPHA + 4 * (ERRORS_ALPHA * (1 - ERRORS_ALPHA) / rounds) ** 0.5
    assert sum(worse for worse, _ in found) / rounds <= allowed
    assert sum(better for _, better in found) / rounds <= allowed


def test_five_points_more_errors_are_told_within_300_requests() -> None:
    dice, rounds = Random(2), 400
    told = sum(_ever(dice, 0.01, 0.06, 300)[0] for _ in range(rounds)) / rounds
    assert told >= 0.99 - 4 * (0.99 * 0.01 / rounds) ** 0.5


def test_twice_the_errors_are_told_with_the_planned_sample() -> None:
    dice, rounds = Random(3), 100
    told = sum(_ever(dice, 0.01, 0.02, 2425)[0] for _ in range(rounds)) / rounds
    assert told >= 0.8


def test_durations_without_a_difference_are_hardly_ever_called_longer() -> None:
    """Whole judgements, of all three kinds together."""
    dice, wrong, rounds = Random(4), 0, 40
    for _ in range(rounds):
        control, challenger = Histogram(), Histogram()
        called = False
        for n in range(100, 1001, 100):
            control.merge(durations(dice, 900, 20))
            challenger.merge(durations(dice, 100, 20))
            there, here = shares(9 * n), shares(n)
            there.times.buckets, here.times.buckets = control.buckets, challenger.buckets
            one = judge(counted(Arm(random=there), Arm(random=here)), 0.01, 1600.0).versions[0]
            called = called or one.durations.verdict is not Verdict.UNDECIDED
        wrong += called
    assert wrong / rounds <= 2 * OTHERS_ALPHA + 4 * (2 * OTHERS_ALPHA / rounds) ** 0.5


def test_durations_that_are_longer_are_told() -> None:
    dice = Random(5)
    there, here = shares(9000), shares(1000)
    there.times.buckets, here.times.buckets = durations(dice, 9000, 20).buckets, durations(dice, 1000, 23).buckets
    one = judge(counted(Arm(random=there), Arm(random=here)), 0.01, 1600.0).versions[0]
    assert one.durations.verdict is Verdict.WORSE


def test_samples_that_are_alike_are_hardly_ever_called_invalid() -> None:
    dice, rounds = Random(6), 200
    wrong = 0
    for _ in range(rounds):
        drawn = [0, 0]
        called = False
        for _ in range(40):
            new = binomial(dice, 500, 0.1)
            drawn = [drawn[0] + 500 - new, drawn[1] + new]
            called = (
                called
                or judge(
                    counted(Arm(random=shares(drawn[0])), Arm(random=shares(drawn[1]))), 0.01, 1600.0
                ).ratio.invalid
            )
        wrong += called
    assert wrong <= 2


def test_nobody_leaves_a_version_while_its_weight_rises() -> None:
    keys = [b"customer-%d" % at for at in range(3000)]
    inside: list[set[bytes]] = []
    for parts in (100, 500, 1000, 2500, 5000, WHOLE):
        weights = ((STABLE, WHOLE - parts), (NEW, parts))
        compiled = CompiledTraffic(Traffic("/service/customer", STABLE, weights, salt="s1", experiment="checkout"))
        inside.append({key for key in keys if compiled.by_key(key)[0] == NEW})
    assert all(before <= after for before, after in pairwise(inside))
    assert len(inside[-1]) == len(keys)


class _Crowd:
    """300 customers with very different rates, one in fifty of whom fails half the time, in whatever version."""

    def __init__(self, dice: Random) -> None:
        self._dice = dice
        self._rates = [exp(dice.gauss(0, 1.2)) for _ in range(300)]
        self._failing = [0.5 if dice.random() < 0.02 else 0.002 for _ in range(300)]
        self._new = [dice.random() < 0.1 for _ in range(300)]
        self._ended = [[0] * GROUPS, [0] * GROUPS]
        self._errors = [[0] * GROUPS, [0] * GROUPS]

    def call(self, requests: int) -> None:
        for customer in self._dice.choices(range(300), self._rates, k=requests):
            version, group = self._new[customer], customer % GROUPS
            self._ended[version][group] += 1
            self._errors[version][group] += self._dice.random() < self._failing[customer]

    def counted(self, *, with_keys: bool) -> Counted:
        arms: list[Arm] = []
        for ended, errors in zip(self._ended, self._errors, strict=True):
            whole = shares(sum(ended), sum(errors))
            none = (0,) * GROUPS
            groups = Groups(tuple(ended), tuple(ended), tuple(errors), none, none)
            arms.append(Arm(sticky=replace(whole, groups=groups)) if with_keys else Arm(random=whole))
        return counted(*arms)


def test_customers_who_are_not_alike_are_no_difference_between_versions() -> None:
    """Taken for independent requests they often would be, and the sample ratio would be wrong: the test can fail."""
    dice, rounds = Random(7), 50
    alarms = {True: 0, False: 0}
    for _ in range(rounds):
        crowd = _Crowd(dice)
        called = {True: False, False: False}
        for _ in range(8):
            crowd.call(1000)
            for with_keys in (True, False):
                judged = judge(crowd.counted(with_keys=with_keys), 0.01, 1600.0)
                wrong = judged.ratio.invalid or judged.versions[0].errors.verdict is not Verdict.UNDECIDED
                called[with_keys] = called[with_keys] or wrong
        for with_keys, was in called.items():
            alarms[with_keys] += was
    assert alarms[True] <= 3
    assert alarms[False] > rounds // 2
