"""The choice at one moment: the less loaded of two, near before far, new ones by and by; and its odds."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings, strategies as st

from h2o_core.choice import (
    ELSEWHERE,
    LEAST_INCLUSION,
    NEARER_MAY_BE,
    NEW_FOR_NS,
    OWN_HOST,
    OWN_ZONE,
    Candidates,
    chances,
    choose,
    inclusion,
)
from h2o_core.load import Load

MS = 1_000_000
S = 1_000_000_000
NOW = 1000 * S


@dataclass(eq=False)
class Member:
    latency_ms: float = 10.0
    pending: int = 0
    place: int = ELSEWHERE
    age_s: float = 999.0
    load: Load = field(init=False)
    since_ns: int = field(init=False)

    def __post_init__(self) -> None:
        self.load = Load(NOW, self.latency_ms * MS)
        self.since_ns = NOW - int(self.age_s * S)


def drawn(members: list[Member], draws: int = 20_000, seed: int = 1) -> list[float]:
    """How often each was chosen, as a share."""
    dice = random.Random(seed).random
    candidates = Candidates(members)
    counts = Counter(id(choose(candidates, NOW, dice)) for _ in range(draws))
    return [counts[id(member)] / draws for member in members]


@pytest.mark.parametrize(
    "heavier",
    [Member(pending=5), Member(latency_ms=11), Member(latency_ms=1, pending=10)],
    ids=["pending", "L", "both"],
)
def test_of_two_the_one_with_less_load_wins(heavier: Member) -> None:
    assert drawn([Member(), heavier], 100) == [1, 0]


def test_equals_share_evenly() -> None:
    assert drawn([Member() for _ in range(5)]) == pytest.approx([0.2] * 5, abs=0.015)


def test_the_most_loaded_of_many_is_never_chosen() -> None:
    assert drawn([Member(pending=load) for load in range(10)])[-1] == 0


@pytest.mark.parametrize(
    ("near", "far", "mine"),
    [
        (Member(place=OWN_HOST), Member(), 1),
        (Member(11.9, place=OWN_HOST), Member(), 1),
        (Member(12.1, place=OWN_HOST), Member(), 0),
        (Member(11.9, place=OWN_HOST), Member(place=OWN_ZONE), 1),
        (Member(11.9, place=OWN_ZONE), Member(), 1),
        (Member(12.1, place=OWN_ZONE), Member(), 0),
        (Member(pending=1, place=OWN_HOST), Member(), 0),
    ],
)
def test_near_before_far_while_it_is_hardly_more_loaded(near: Member, far: Member, mine: float) -> None:
    assert drawn([far, near], 100)[1] == mine


def test_the_best_of_the_own_host_is_held_against_the_best_of_the_others() -> None:
    members = [Member(30), Member(29, place=OWN_ZONE), Member(10, place=OWN_HOST), Member(90, place=OWN_HOST)]
    assert drawn(members, 100) == [0, 0, 1, 0]


@pytest.mark.parametrize(("age_s", "part"), [(0, 0.1), (2, 0.1), (15, 0.5), (29.99, 0.9997), (30, 1), (900, 1)])
def test_a_new_instance_enters_by_and_by(age_s: float, part: float) -> None:
    assert inclusion(NOW - int(age_s * S), NOW) == pytest.approx(part, abs=1e-3)
    members = [*(Member() for _ in range(9)), Member(age_s=age_s)]
    share = drawn(members)[-1]
    assert share == pytest.approx(part / (9 + part), abs=0.02)
    assert share == pytest.approx(chances(Candidates(members), NOW)[-1], abs=0.01)


def test_where_all_are_new_nobody_has_to_wait() -> None:
    members = [Member(age_s=age) for age in (0, 1, 29)]
    assert drawn(members) == pytest.approx([1 / 3] * 3, abs=0.015)


def test_a_new_one_that_is_alone_on_its_host_is_not_preferred_before_it_is_included() -> None:
    members = [Member(), Member(), Member(place=OWN_HOST, age_s=0)]
    assert drawn(members)[2] == pytest.approx(LEAST_INCLUSION, abs=0.01)


MEMBERS = st.lists(
    st.builds(
        Member,
        latency_ms=st.sampled_from([1.0, 10.0, 11.0, 12.0, 300.0]),
        pending=st.integers(0, 3),
        place=st.sampled_from([OWN_HOST, OWN_ZONE, ELSEWHERE]),
        age_s=st.sampled_from([0.0, 9.0, 29.0, 30.0, 99.0]),
    ),
    min_size=1,
    max_size=9,
)


@given(MEMBERS, st.floats(0, 1, exclude_max=True))
def test_any_dice_choose_a_member(members: list[Member], dice: float) -> None:
    assert choose(Candidates(members), NOW, lambda: dice) in members


@settings(max_examples=40, deadline=None)
@given(MEMBERS, st.integers(0, 9))
def test_the_odds_are_those_of_the_choice(members: list[Member], seed: int) -> None:
    odds = chances(Candidates(members), NOW)
    assert sum(odds) == pytest.approx(1)
    assert all(-1e-9 <= one <= 1 + 1e-9 for one in odds)
    # five standard deviations of a share of 4000 draws, at most 0.5 · 5 ÷ √4000
    assert drawn(members, 4000, seed) == pytest.approx(odds, abs=0.04)


def test_the_odds_of_a_large_pool_by_counting_every_pair() -> None:
    dice = random.Random(5)
    members = [Member(dice.choice([5, 10, 20]), dice.randrange(3), age_s=dice.choice([3, 20, 99])) for _ in range(40)]
    weights = [inclusion(one.since_ns, NOW) for one in members]
    loads = [one.load.value(one.pending, NOW) for one in members]
    counted = [0.0] * len(members)
    for first, weight in enumerate(weights):
        for second, other in enumerate(weights):
            if second != first:
                winner = first if loads[first] <= loads[second] else second
                counted[winner] += weight / sum(weights) * other / (sum(weights) - weight)
    assert chances(Candidates(members), NOW) == pytest.approx(counted)


def test_an_empty_pool_has_no_odds() -> None:
    assert chances(Candidates[Member]([]), NOW) == []
    assert not Candidates[Member]([])
    assert NEARER_MAY_BE > 1
    assert not Candidates([Member()]).gradual(NOW + NEW_FOR_NS)
