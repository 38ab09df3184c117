"""What is let off before it is compared: never anything that the comparison would have found."""

from __future__ import annotations

from random import Random

import pytest

from h2o_core.histogram import Histogram
from h2o_core.insights.comparing import Bar, worst
from h2o_core.insights.counts import Counts, less, quantile, reaches, together
from h2o_core.insights.ranked import Ranked


def drawn(dice: Random, requests: int, takes_ms: float, fails: float) -> Counts:
    times, failed = Histogram(), 0
    for _ in range(requests):
        times.record(int(takes_ms * 1e6 * dice.lognormvariate(0, 0.5)))
        failed += dice.random() < fails
    outcomes = {"OK": requests - failed, "INTERNAL": failed}
    return Counts({code: count for code, count in outcomes.items() if count}, times)


@pytest.mark.parametrize("seed", range(60))
def test_whoever_is_worse_than_the_rest_is_let_pass(seed: int) -> None:
    dice = Random(seed)
    takes_ms = dice.choice((0.3, 4.0, 30.0))
    rows = [drawn(dice, dice.choice((5, 30, 200)), takes_ms, 0.01) for _ in range(dice.randint(2, 8))]
    rows.append(
        drawn(dice, dice.choice((25, 400, 2000)), takes_ms * dice.choice((1.0, 1.4, 2.0, 8.0)), dice.choice((0.0, 0.2)))
    )
    whole = together(rows)
    bar = Bar.of(whole, max(row.times.count for row in rows))
    for row in rows:
        assert bar.lets_pass(row) or worst(row, less(whole, [row])) is None


def test_most_are_not() -> None:
    dice = Random(1)
    rows = [drawn(dice, 200, 20.0, 0.0) for _ in range(50)]
    whole = together(rows)
    bar = Bar.of(whole, 200)
    assert not any(bar.lets_pass(row) for row in rows)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("q", [0.5, 0.95])
def test_a_quantile_reaches_what_its_lower_bound_is(seed: int, q: float) -> None:
    dice = Random(seed)
    times = drawn(dice, dice.choice((1, 20, 300)), 10.0, 0.0).times
    found = quantile(Ranked(times), q)
    assert found is not None
    assert reaches(times, q, found.low_ns)
    assert reaches(times, q, 0.0)
    assert not reaches(times, q, found.low_ns * 1.1)
    assert not reaches(Histogram(), q, 1.0)
