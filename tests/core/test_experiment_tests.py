"""The tests that an experiment is judged by, against tables and against counting it out."""

from __future__ import annotations

from itertools import product
from math import inf, isnan
from random import Random

import pytest
from hypothesis import example, given, strategies as st

from h2o_core.experiment.clusters import GROUPS, design_effect, group_of, share_effect
from h2o_core.experiment.latency import slower
from h2o_core.experiment.looks import FIRST_LOOK, HORIZON, believable, crossing, limit
from h2o_core.experiment.proportions import Share, difference_interval, difference_z, needed, wilson
from h2o_core.experiment.tails import chi_square_tail, normal_quantile, normal_tail
from h2o_core.histogram import Histogram

counts = st.integers(0, 300)
durations = st.lists(st.integers(2, 10_000_000_000), min_size=1, max_size=60)


def _share(hits: int, rest: int) -> Share:
    return Share(hits, hits + rest)


def _sketch(values: list[int]) -> Histogram:
    sketch = Histogram()
    for value in values:
        sketch.record(value)
    return sketch


# ---------------------------------------------------------------------- tails


@pytest.mark.parametrize(
    ("z", "tail"),
    [(0.0, 0.5), (1.0, 0.158655), (1.644854, 0.05), (1.959964, 0.025), (3.090232, 0.001), (6.0, 9.8659e-10)],
)
def test_the_normal_tail_is_that_of_the_tables(z: float, tail: float) -> None:
    assert normal_tail(z) == pytest.approx(tail, rel=1e-4)
    assert normal_quantile(tail) == pytest.approx(z, abs=1e-4)


@pytest.mark.parametrize(
    ("x", "freedom", "tail"),
    [
        (3.841, 1, 0.05),
        (10.828, 1, 0.001),
        (5.991, 2, 0.05),
        (13.816, 2, 0.001),
        (7.815, 3, 0.05),
        (9.488, 4, 0.05),
        (20.515, 5, 0.001),
        (18.307, 10, 0.05),
        (37.697, 15, 0.001),
    ],
)
def test_the_chi_square_tail_is_that_of_the_tables(x: float, freedom: int, tail: float) -> None:
    assert chi_square_tail(x, freedom) == pytest.approx(tail, rel=1e-3)
    assert chi_square_tail(0, freedom) == 1


# ---------------------------------------------------------------------- proportions


def test_two_per_cent_against_one_needs_what_the_textbook_says() -> None:
    assert needed(0.01, 0.02) == 4657
    assert needed(0.01, 0.02, ratio=9) == 2425
    assert needed(0.01, 0.01) == inf


def test_z_of_two_proportions_is_the_root_of_the_likelihood_ratio() -> None:
    # Agresti, Categorical Data Analysis, table 2.1 (aspirin and heart attacks): G² = 25.37.
    assert difference_z(Share(104, 11_037), Share(189, 11_034)) ** 2 == pytest.approx(25.37, abs=0.01)
    assert difference_z(Share(0, 0), Share(1, 2)) == 0
    assert difference_z(Share(0, 50), Share(0, 70)) == 0


def test_an_interval_of_a_difference_is_newcombe_s() -> None:
    # Newcombe (1998), table II: 56/70 less 48/80, method 10: 0.0524 to 0.3339.
    low, high = difference_interval(Share(48, 80), Share(56, 70), 1.959964)
    assert (low, high) == (pytest.approx(0.0524, abs=1e-4), pytest.approx(0.3339, abs=1e-4))
    assert wilson(Share(0, 0), 2) == (0, 1)


@given(counts, counts, counts, counts)
def test_changing_places_changes_the_sign_of_a_difference(hits: int, rest: int, hits_2: int, rest_2: int) -> None:
    one, other = _share(hits, rest), _share(hits_2, rest_2)
    assert difference_z(one, other) == pytest.approx(-difference_z(other, one), abs=1e-5)
    low, high = difference_interval(one, other, 2.0)
    assert difference_interval(other, one, 2.0) == (pytest.approx(-high), pytest.approx(-low))
    assert low - 1e-12 <= other.value - one.value <= high + 1e-12


# ---------------------------------------------------------------------- durations


def _counted_out(control: list[int], challenger: list[int]) -> tuple[float, float]:
    """(U, its expectation), pair by pair, of values that are their buckets."""
    wins = sum((mine > theirs) + (mine == theirs) / 2 for mine, theirs in product(challenger, control))
    return wins, len(control) * len(challenger) / 2


def test_z_of_two_sketches_is_mann_and_whitney_s() -> None:
    # Lehmann's correction for ties by hand: ranks 1.5 1.5 3 4 5.5 5.5, ours are 1.5, 4 and 5.5.
    powers = [2.0**at for at in (10, 10, 12, 14, 16, 16)]
    theirs, ours = [int(powers[at]) for at in (1, 2, 5)], [int(powers[at]) for at in (0, 3, 4)]
    wins, expected = _counted_out(theirs, ours)
    variance = 9 / 12 * (7 - (6 + 6) / 30)
    assert slower(_sketch(theirs), _sketch(ours)).z == pytest.approx((wins - expected) / variance**0.5)


def test_a_shift_is_found_and_its_interval_holds_it() -> None:
    dice = Random(4)
    before = [int(20e6 * 2 ** dice.gauss(0, 0.7)) for _ in range(2000)]
    after = [int(23e6 * 2 ** dice.gauss(0, 0.7)) for _ in range(2000)]
    found = slower(_sketch(before), _sketch(after), width=2.0)
    assert found.low < 1.15 < found.high
    assert found.high - found.low < 0.1
    assert found.factor == pytest.approx(1.15, abs=0.04)
    assert found.by_ns == pytest.approx(3e6, abs=1e6)
    assert found.matters


def test_what_is_below_the_floor_does_not_matter_however_sure_it_is() -> None:
    dice = Random(5)
    before = [int(20e6 * 2 ** dice.gauss(0, 0.3)) for _ in range(8000)]
    found = slower(_sketch(before), _sketch([value * 105 // 100 for value in before]))
    assert found.z > 6
    assert not found.matters


def test_nothing_measured_says_nothing() -> None:
    found = slower(Histogram(), _sketch([5]))
    assert found.z == 0
    assert isnan(found.factor)
    assert not found.matters


@given(durations, durations)
@example([2, 3, 10, 11, 12, 13, 14], [4, 5, 6, 7, 8, 9])  # a bound in a gap, but for the last digit of a float
def test_changing_places_turns_durations_round(control: list[int], challenger: list[int]) -> None:
    there, back = slower(_sketch(control), _sketch(challenger)), slower(_sketch(challenger), _sketch(control))
    assert there.z == pytest.approx(-back.z, abs=1e-9)
    assert there.factor == pytest.approx(1 / back.factor)
    assert (there.low, there.high) == (pytest.approx(1 / back.high), pytest.approx(1 / back.low))
    assert there.by_ns == pytest.approx(-back.by_ns, rel=1e-9, abs=1e-3)
    assert there.matters is back.matters


# ---------------------------------------------------------------------- keys


def test_requests_that_fail_together_count_less() -> None:
    """One key of the group's fails, all of its hundred requests: that is one failure in a hundred keys."""
    totals = [100.0] * GROUPS
    alone = [1.0] * GROUPS
    together = [float(GROUPS)] + [0.0] * (GROUPS - 1)
    assert share_effect(alone, totals) == 1.0
    assert share_effect(together, totals) == pytest.approx(GROUPS * 1.01, rel=0.01)
    assert design_effect([], [], 1.0) == 1.0


def test_groups_of_keys_are_alike_in_size() -> None:
    sizes = [0] * GROUPS
    for customer in range(GROUPS * 500):
        sizes[group_of(b"customer-%d" % customer)] += 1
    square = sum((size - 500) ** 2 / 500 for size in sizes)
    assert chi_square_tail(square, GROUPS - 1) > 0.001


# ---------------------------------------------------------------------- looks


def test_a_limit_is_where_it_is_crossed_with_that_probability() -> None:
    # Jennison and Turnbull, Group Sequential Methods (2000), table 2.1: Pocock's constant for 20 looks is 2.672, and
    # so many looks over a twentyfold sample are nearly continuous ones, which need a little more.
    assert 2.672 < limit(0.025, 20.0) < 3.0
    for alpha, growth in ((0.05, 100.0), (0.005, 100.0), (0.001, 2.0)):
        assert crossing(limit(alpha, growth), growth) == pytest.approx(alpha)


def test_alpha_is_spent_once_however_long_it_runs() -> None:
    alpha = 0.05
    spent, size = crossing(believable(HORIZON, alpha) or 0.0, HORIZON / FIRST_LOOK), HORIZON
    for _ in range(40):
        spent += crossing(believable(size + 1, alpha) or 0.0, 2.0)
        size *= 2
    assert alpha < spent <= 1.1 * alpha
    assert believable(FIRST_LOOK - 1, alpha) is None
