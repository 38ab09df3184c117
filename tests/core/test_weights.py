"""Weights: one gets what is typed, the rest keeps its proportions, and nobody gets more than it can take."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from h2o_core.control.traffic import WHOLE, Traffic
from h2o_core.weights import InvalidWeights, OverCap, over_cap, percent, scaled, weight_cap


def traffic(*weights: tuple[str, int], stable: str = "1.0") -> Traffic:
    return Traffic("/service/customer", stable, weights)


SCALED = {
    "a new version goes to the end": ((("1.0", 10_000),), "2.0", 1_000, (("1.0", 9_000), ("2.0", 1_000))),
    "the rest is scaled": (
        (("1.0", 6_000), ("2.0", 3_000), ("3.0", 1_000)),
        "3.0",
        4_000,
        (("1.0", 4_000), ("2.0", 2_000), ("3.0", 4_000)),
    ),
    "by largest remainders": (
        (("1.0", 3_334), ("2.0", 3_333), ("3.0", 3_333)),
        "3.0",
        1,
        (("1.0", 5_000), ("2.0", 4_999), ("3.0", 1)),
    ),
    "nobody is rounded down to nothing": (
        (("1.0", 9_998), ("2.0", 1), ("3.0", 1)),
        "3.0",
        9_000,
        (("1.0", 999), ("2.0", 1), ("3.0", 9_000)),
    ),
    "who has nothing keeps it": (
        (("1.0", 5_000), ("2.0", 5_000), ("3.0", 0)),
        "2.0",
        1_000,
        (("1.0", 9_000), ("2.0", 1_000), ("3.0", 0)),
    ),
    "all to one": ((("1.0", 9_000), ("2.0", 1_000)), "2.0", 10_000, (("1.0", 0), ("2.0", 10_000))),
    "back from all": ((("1.0", 0), ("2.0", 10_000)), "2.0", 2_500, (("1.0", 7_500), ("2.0", 2_500))),
    "an abort": ((("1.0", 9_000), ("2.0", 1_000)), "2.0", 0, (("1.0", 10_000), ("2.0", 0))),
}


@pytest.mark.parametrize(("before", "version", "parts", "after"), SCALED.values(), ids=SCALED.keys())
def test_scaled(before: tuple[tuple[str, int], ...], version: str, parts: int, after: tuple[tuple[str, int], ...]):
    assert scaled(traffic(*before), version, parts) == after


REFUSED = {
    "more than all": ((("1.0", 10_000),), "1.0", 10_001, "1.0 can't have 100.01%; give it 0% to 100%"),
    "from the only one": ((("1.0", 10_000), ("2.0", 0)), "1.0", 9_000, "nobody else has weight to take the 10%"),
    "too little for the rest": (
        (("1.0", 5_000), ("2.0", 4_000), ("3.0", 1_000)),
        "3.0",
        9_999,
        "0.01% are too little for the 2 other versions",
    ),
}


@pytest.mark.parametrize(("before", "version", "parts", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_t_be_scaled_says_what_to_do(before: tuple[tuple[str, int], ...], version: str, parts: int, says: str):
    with pytest.raises(InvalidWeights, match=says):
        scaled(traffic(*before), version, parts)


@st.composite
def any_weights(draw: st.DrawFn) -> tuple[tuple[str, int], ...]:
    cuts = draw(st.lists(st.integers(0, WHOLE), max_size=7))
    return tuple((f"{at}.0", high - low) for at, (low, high) in enumerate(pairwise([0, *sorted(cuts), WHOLE]), start=1))


@given(any_weights(), st.integers(1, 9), st.integers(0, WHOLE))
def test_scaled_weights_are_weights(before: tuple[tuple[str, int], ...], at: int, parts: int):
    version = f"{at}.0"
    try:
        after = dict(scaled(traffic(*before), version, parts))
    except InvalidWeights:
        others = [weight for name, weight in before if name != version and weight]
        assert WHOLE - parts < len(others) or not others
        return
    assert sum(after.values()) == WHOLE
    assert after[version] == parts
    whole = WHOLE - dict(before).get(version, 0)
    for name, weight in before:
        if name == version or not whole:
            continue
        assert bool(after[name]) == (bool(weight) and parts < WHOLE)
        assert abs(after[name] - weight * (WHOLE - parts) / whole) < 8


@pytest.mark.parametrize(
    ("demand", "slots", "cap"), [(0, 0, 0), (5, 0, 0), (0, 64, WHOLE), (64, 64, 8_000), (64, 8, 1_000), (10, 64, WHOLE)]
)
def test_the_cap(demand: float, slots: int, cap: int):
    assert weight_cap(demand, slots) == cap


BEFORE = {"1.0": 9_000, "2.0": 1_000}
SLOTS = {"1.0": 128, "2.0": 16}


def test_a_version_gets_no_more_than_it_can_take():
    assert over_cap(BEFORE, {"1.0": 8_000, "2.0": 2_000}, SLOTS, 64) == ()
    (found,) = over_cap(BEFORE, {"1.0": 5_000, "2.0": 5_000}, SLOTS, 64)
    assert found == OverCap("2.0", 5_000, 2_000, refused=True, sentence=found.sentence)
    assert found.sentence == (
        "2.0 at 50% needs 32 of its 16 ready slots; "
        "80% may be planned with; give it 20% at most, or start more instances of it"
    )


def test_a_version_without_instances_gets_nothing():
    (found,) = over_cap(BEFORE, {"1.0": 9_000, "2.0": 0, "3.0": 1_000}, SLOTS, 0)
    assert found.refused
    assert found.sentence == "3.0 has no ready instance for its 10%; start one first"


def test_moving_away_from_a_failing_version_is_warned_of_and_not_refused():
    (found,) = over_cap(BEFORE, {"1.0": 0, "2.0": 10_000}, SLOTS, 64, failing=["1.0"])
    assert not found.refused


def test_giving_a_failing_version_more_than_it_can_take_is_refused():
    after = {"1.0": 0, "2.0": 9_000, "3.0": 1_000}
    found = over_cap(BEFORE | {"3.0": 0}, after, SLOTS | {"3.0": 64}, 64, failing=["1.0", "2.0"])
    assert [(one.version, one.refused) for one in found] == [("2.0", True)]


def test_a_version_that_is_above_its_cap_already_may_stay_or_fall():
    before = {"1.0": 5_000, "2.0": 5_000}
    assert over_cap(before, {"1.0": 6_000, "2.0": 4_000}, SLOTS, 64) == ()
    assert over_cap(before, before, SLOTS, 64) == ()


def test_parts_as_they_are_typed():
    assert [percent(parts) for parts in (0, 1, 50, 1_050, 10_000)] == ["0%", "0.01%", "0.5%", "10.5%", "100%"]
