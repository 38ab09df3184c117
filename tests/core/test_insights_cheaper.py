"""What insights leave out because it can't matter: the same is found as by comparing everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from h2o_core.histogram import Histogram, middle_ns
from h2o_core.insights.comparing import Bar, worst
from h2o_core.insights.counts import (
    Counts,
    ended,
    ended_without,
    less,
    quantile,
    together,
    upper_rank,
)
from h2o_core.insights.grouping import Group, triage
from h2o_core.insights.pieces import Pieces
from h2o_core.insights.ranked import Ranked
from h2o_core.insights.sums import Sums, grouped
from tests.support.insight_situations import PLANTED, Planted


def drawn(dice: Random, requests: int, takes_ms: float, fails: float) -> Counts:
    times, failed = Histogram(), 0
    for _ in range(requests):
        times.record(int(takes_ms * 1e6 * dice.lognormvariate(0, 0.5)))
        failed += dice.random() < fails
    outcomes = {"OK": requests - failed, "INTERNAL": failed}
    return Counts({code: count for code, count in outcomes.items() if count}, times, dice.choice((30.0, 60.0)))


def group(seed: int) -> list[Counts]:
    """Some alike, one that may be slower, fail, or both."""
    dice = Random(seed)
    takes_ms, fails = dice.choice((0.3, 4.0, 30.0)), dice.choice((0.0, 0.01, 0.1))
    rows = [drawn(dice, dice.choice((5, 30, 200)), takes_ms, fails) for _ in range(dice.randint(2, 8))]
    odd = takes_ms * dice.choice((1.0, 1.5, 2.0, 8.0)), dice.choice((0.0, 0.05, 0.3))
    return [*rows, drawn(dice, dice.choice((25, 400, 2000)), *odd)]


@pytest.mark.parametrize("seed", range(150))
def test_the_bar_finds_what_comparing_everything_finds(seed: int) -> None:
    rows = group(seed)
    whole = together(rows)
    compared = rows[1:]  # the first stands for all that nobody names, however many they are
    bar = Bar.of(whole, max(row.times.count for row in compared))
    for row in compared:
        assert bar.worst(row, whole) == worst(row, less(whole, [row]))


@pytest.mark.parametrize("seed", range(20))
def test_how_they_ended_needs_no_sketches(seed: int) -> None:
    rows = group(seed)
    whole = together(rows)
    assert (ended(rows).outcomes, ended(rows).span_s) == (whole.outcomes, whole.span_s)
    assert ended_without(whole, rows[0]).outcomes == together(rows[1:]).outcomes


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_the_durations_one_by_one(seed: int) -> None:
    times = together(group(seed)).times
    ranked = Ranked(times)
    each = [ranked.at(rank) for rank in range(1, times.count + 1)]
    assert each == sorted(each)
    assert Counter(each) == {middle_ns(at): count for at, count in times.buckets.items()}
    assert (ranked.count, ranked.at(times.count + 9)) == (times.count, each[-1])
    found = quantile(ranked, 0.95)
    assert found is not None
    assert found.high_ns == each[upper_rank(times.count, 0.95) - 1]


@pytest.mark.parametrize("seed", range(20))
def test_ranks_of_what_a_part_leaves_need_not_take_it_away(seed: int) -> None:
    rows = group(seed)
    rows[0].times.zero += 3
    whole = Ranked(together(rows).times)
    for part in rows:
        left = Ranked(less(together(rows), [part]).times)
        ranks = range(1, left.count + 1)
        assert [whole.at_without(rank, part.times) for rank in ranks] == [left.at(rank) for rank in ranks]
    assert Ranked(Histogram()).at_without(1, Histogram()) == 0.0


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_their_sum(seed: int) -> None:
    rows = group(seed)
    rows[0].times.zero += 3
    whole = together(rows)
    pieces = Counts(whole.outcomes, Pieces([Whole(row.times) for row in rows]), whole.span_s)
    assert pieces.timed.count == whole.times.count
    for at in (-1000, 0, *whole.times.buckets, 5000):
        assert pieces.timed.below(at) == whole.times.below(at)
    assert pieces.times.lists() == whole.times.lists()
    assert (pieces.times.zero, pieces.times.sum_ns) == (whole.times.zero, whole.times.sum_ns)
    bar = Bar.of(whole, max(row.times.count for row in rows))
    for row in rows:
        assert bar.worst(replace(row, timed=Pieces([Whole(row.times)])), whole) == bar.worst(row, whole)


class Whole:
    """A sketch as a piece."""

    def __init__(self, times: Histogram) -> None:
        self._times = times
        self.count = times.count

    def below(self, bucket: int) -> int:
        return self._times.below(bucket)

    def sketch(self) -> Histogram:
        new = Histogram()
        new.merge(self._times)
        return new


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_more_durations_never_have_a_lower_upper_rank(q: float) -> None:
    ranks = [upper_rank(n, q) for n in range(1, 3000)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_taken_away_leaves_the_others(seed: int) -> None:
    rows = group(seed)
    whole, left, others = together(rows), less(together(rows), rows[:2]), together(rows[2:])
    assert (left.outcomes, left.times.lists()) == (others.outcomes, others.times.lists())
    assert (left.times.zero, left.times.sum_ns) == (others.times.zero, others.times.sum_ns)
    assert less(whole, []) is whole


def test_what_was_read_a_moment_later_is_never_below_zero() -> None:
    earlier, later = drawn(Random(1), 50, 4.0, 0.1), drawn(Random(1), 60, 4.0, 0.1)
    left = less(earlier, [later])
    assert (left.outcomes, left.times.count, left.times.sum_ns) == ({}, 0, 0)


def named(groups: tuple[Group, ...]) -> list[tuple[str, str]]:
    return [(one.cause.kind.value, str(one.cause.subject)) for one in groups]


@pytest.mark.parametrize("one", PLANTED, ids=lambda one: one.name)
def test_what_is_added_up_already_is_not_added_up_again(one: Planted) -> None:
    picture = one.make(7)
    sums = Sums(picture)
    calls = grouped((one for one in picture.calls if one.host not in sums.silent), lambda one: one.key)
    known = {**sums.versions, **{key: together(one.now for one in rows) for key, rows in calls.items()}}
    found = triage(picture)
    assert triage(replace(picture, sums=known)) == found
    later = {key: together([counts, _part(counts)]) for key, counts in known.items()}
    assert named(triage(replace(picture, sums=later))) == named(found), "and a moment later it is the same"


def _part(counts: Counts) -> Counts:
    """A hundredth of them, as if they had come just now."""
    times = Histogram()
    times.buckets = {at: count // 100 for at, count in counts.times.buckets.items() if count >= 100}
    return Counts({code: count // 100 for code, count in counts.outcomes.items()}, times, counts.span_s)
