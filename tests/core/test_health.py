"""How many may be out, who is, and when health is ignored."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core.errors import MEANINGS, Code, Fault
from h2o_core.health import SIGNS, Sign, honoured, may_eject, median, most_out, panics

IDS = st.sets(st.text("abcdef", min_size=1, max_size=4), max_size=30)


@pytest.mark.parametrize(
    ("total", "most"), [(0, 0), (1, 0), (2, 1), (3, 1), (6, 1), (7, 2), (10, 3), (12, 3), (13, 4), (100, 33)]
)
def test_a_third_may_be_out_at_least_one_and_never_the_last(total: int, most: int) -> None:
    assert most_out(total) == most


@given(IDS, st.integers(0, 30))
def test_never_more_are_left_out_than_may_be_and_none_that_was_not_told(out: set[str], total: int) -> None:
    left_out = honoured(out, total)
    assert left_out <= out
    assert len(left_out) == min(len(out), most_out(total))
    assert total == 0 or len(left_out) < total


@given(IDS, st.integers(0, 30), st.randoms(use_true_random=False))
def test_whoever_knows_the_same_leaves_out_the_same(out: set[str], total: int, order: object) -> None:
    shuffled = sorted(out)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert honoured(shuffled, total) == honoured(out, total)


@given(IDS, st.integers(0, 30))
def test_what_is_allowed_is_honoured(out: set[str], total: int) -> None:
    if may_eject(out, total):
        assert honoured({*out, "one more"}, total) == {*out, "one more"}


@pytest.mark.parametrize(
    ("healthy", "total", "panic"),
    [(0, 0, False), (0, 1, True), (1, 1, False), (1, 2, False), (1, 3, True), (2, 4, False)],
)
def test_panic_is_fewer_than_half(healthy: int, total: int, panic: bool) -> None:
    assert panics(healthy, total) is panic


@given(IDS)
def test_ejections_alone_never_lead_to_panic(ids: set[str]) -> None:
    assert not panics(len(ids) - len(honoured(ids, len(ids))), len(ids))


@pytest.mark.parametrize(
    ("shares", "middle"),
    [((), 1.0), ((0.5,), 0.5), ((0.5, 1.0), 0.75), ((0.0, 1.0, 0.9), 0.9), ((1, 0, 0.6, 0.8), 0.7)],
)
def test_the_median(shares: tuple[float, ...], middle: float) -> None:
    assert median(shares) == pytest.approx(middle)


def test_every_code_is_a_sign_and_what_the_caller_is_at_fault_for_is_none() -> None:
    assert set(SIGNS) == set(Code)
    assert {code for code in Code if SIGNS[code] is Sign.ILL} == {Code.TIMEOUT, Code.OUTCOME_UNKNOWN, Code.INTERNAL}
    assert all(SIGNS[code] is Sign.NOTHING for code in Code if MEANINGS[code].fault is Fault.CALLER)
    assert SIGNS[Code.OVERLOADED] is Sign.BUSY
    assert SIGNS[Code.APPLICATION] is Sign.WELL
