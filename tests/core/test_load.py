"""Load: latency that forgets, pending, and failures that only ever make it worse."""

from __future__ import annotations

from math import e, isclose

import pytest
from hypothesis import example, given, strategies as st

from h2o_core.errors import Code
from h2o_core.load import FORGOTTEN_AFTER_NS, LEAST_NS, UNMEASURED_NS, Load, median_latency_ns

MS = 1_000_000
S = 1_000_000_000


def measured(latency_ms: float, now: int = 0) -> Load:
    load = Load(now)
    load.learn(int(latency_ms * MS), Code.OK, now)
    return load


def test_a_peak_replaces_what_is_left_and_lower_samples_move_it_by_the_time_that_passed() -> None:
    load = measured(10)
    assert load.latency_ns(0) == 10 * MS
    load.learn(20 * MS, Code.OK, S)
    assert load.latency_ns(S) == 20 * MS
    load.learn(5 * MS, Code.OK, 11 * S)
    assert isclose(load.latency_ns(11 * S), 20 * MS / e + 5 * MS * (1 - 1 / e))


def test_reading_lets_it_fade_and_changes_nothing() -> None:
    load = measured(10)
    for _ in range(2):
        assert isclose(load.value(0, 10 * S), 10 * MS / e)
        assert load.value(0, 0) == 10 * MS
        assert load.value(0, -S) == 10 * MS, "a clock that stepped back is no reason for a larger load"


@pytest.mark.parametrize("pending", [0, 1, 7])
def test_what_waits_multiplies_it(pending: int) -> None:
    assert measured(10).value(pending, 0) == 10 * MS * (pending + 1)


def test_the_formula_with_failures() -> None:
    load = measured(10)
    for _ in range(9):
        load.learn(MS, Code.INTERNAL, 0)
    share = 1 - 9 / (10 + 10)
    assert isclose(load.share(0), share)
    assert isclose(load.value(1, 0), 10 * MS * 2 / share**4)
    assert load.share(1000 * S) > 0.999, "and they are forgotten"


def test_the_share_has_a_floor() -> None:
    load = measured(10)
    for _ in range(10_000):
        load.learn(MS, Code.INTERNAL, 0)
    assert isclose(load.value(0, 0), 10 * MS * 100**4)


@given(
    st.lists(st.tuples(st.integers(0, 10 * S), st.booleans(), st.integers(0, 20 * S)), max_size=20),
    st.integers(0, 10 * S),
    st.integers(0, 100 * S),
    st.integers(0, 9),
)
@example([(99_000, False, 0)], 150_000, 0, 1)  # next to nothing is left of L, and a quick failure comes
def test_a_failure_never_lowers_the_load(
    history: list[tuple[int, bool, int]], latency_ns: int, pause_ns: int, pending: int
) -> None:
    load, now = Load(0), 0
    for taken, failed, passed in history:
        now += passed
        load.learn(taken, Code.INTERNAL if failed else Code.OK, now)
    now += pause_ns
    before = load.value(pending, now)
    assert before > 0
    load.learn(latency_ns, Code.INTERNAL, now)
    assert load.value(pending, now) >= before * 0.999, "but for the thousandth that is dropped"
    assert load.latency_ns(now) >= latency_ns


def test_what_says_nothing_of_the_outcome_may_have_been_slow_and_never_fast() -> None:
    load = measured(10)
    load.learn(MS, Code.CANCELLED, 0)
    assert load.latency_ns(0) == 10 * MS
    load.learn(5 * S, Code.CANCELLED, 0)
    assert load.latency_ns(0) == 5 * S
    assert load.share(0) == 1.0


@pytest.mark.parametrize(
    ("code", "latency_ms", "share"),
    [
        (Code.OK, 20, 1.0),
        (Code.APPLICATION, 20, 1.0),
        (Code.INTERNAL, 20, 10 / 11),
        (Code.TIMEOUT, 20, 10 / 11),
        (Code.OUTCOME_UNKNOWN, 20, 10 / 11),
        (Code.OVERLOADED, 20, 10 / 11),
        (Code.BAD_REQUEST, 20, 1.0),
        (Code.NOT_FOUND, 20, 1.0),
        (Code.NO_ROUTE, 20, 1.0),
        (Code.FORBIDDEN, 20, 1.0),
        (Code.CANCELLED, 20, 1.0),
        (Code.UNAVAILABLE, 20, 10 / 11),
    ],
)
def test_which_outcomes_are_held_against_it(code: Code, latency_ms: int, share: float) -> None:
    load = Load(0, 10 * MS)
    load.learn(latency_ms * MS, code, 0)
    assert load.latency_ns(0) == latency_ms * MS
    assert isclose(load.share(0), share)


def test_every_code_is_in_the_table_above() -> None:
    (table,) = (mark.args[1] for mark in test_which_outcomes_are_held_against_it.pytestmark)  # type: ignore[attr-defined]
    assert {row[0] for row in table} == set(Code)


def test_one_of_which_nothing_is_known_is_tried_by_one_request_at_a_time() -> None:
    unknown = Load(0)
    assert unknown.value(0, 0) == LEAST_NS
    assert unknown.value(1, 0) == 2 * UNMEASURED_NS
    faded = measured(10)
    assert LEAST_NS < faded.value(0, FORGOTTEN_AFTER_NS) < 0.1 * MS
    assert faded.value(1, FORGOTTEN_AFTER_NS - 1) < 0.2 * MS
    assert faded.value(1, FORGOTTEN_AFTER_NS) == 2 * UNMEASURED_NS
    assert faded.value(0, 999 * S) == LEAST_NS


def test_one_that_is_very_fast_is_known_all_the_same() -> None:
    fast = measured(0.03)
    assert fast.value(3, S) < measured(0.4).value(0, S)


def test_one_that_was_very_slow_is_not_taken_for_better_because_it_is_forgotten() -> None:
    slow = measured(60_000)
    assert slow.value(1, FORGOTTEN_AFTER_NS) > slow.value(0, FORGOTTEN_AFTER_NS) > UNMEASURED_NS


def test_one_whose_first_request_fails_at_once_is_not_taken_for_fast() -> None:
    load = Load(0)
    load.learn(MS, Code.INTERNAL, 0)
    assert load.latency_ns(0) == UNMEASURED_NS


def test_failures_keep_what_was_known_of_its_latency_from_fading() -> None:
    load = measured(10)
    for second in range(1, 61):
        load.learn(MS, Code.INTERNAL, second * S)
    assert isclose(load.latency_ns(60 * S), 10 * MS)


def test_the_median_of_those_that_are_known() -> None:
    assert median_latency_ns([], 0) == 0
    assert median_latency_ns([Load(0)], 0) == 0
    loads = [measured(1), measured(20), measured(400), Load(0)]
    assert median_latency_ns(loads, 0) == 20 * MS
    assert Load(0, 20 * MS).value(0, 0) == 20 * MS
