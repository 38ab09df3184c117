"""Retries: which failures are worth one, and what a budget grants in any order of events."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core.errors import Code, Executed
from h2o_core.retries import FLOOR_PER_S, JITTER_NS, SHARE, RetryBudget, both_executed, jitter_ns, may_retry

S = 1_000_000_000
NEVER = {
    *(Code.OK, Code.APPLICATION),  # outcomes
    *(Code.BAD_REQUEST, Code.NOT_FOUND, Code.FORBIDDEN, Code.CANCELLED),  # the caller's
    *(Code.NO_ROUTE, Code.TIMEOUT),  # nobody else, no time
}


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("executed", Executed)
@pytest.mark.parametrize("idempotent", [True, False])
def test_what_may_be_retried(code: Code, executed: Executed, idempotent: bool) -> None:
    expected = code not in NEVER and (idempotent or executed is Executed.NO)
    assert may_retry(code, executed, idempotent=idempotent) is expected


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (Executed.NO, Executed.NO, Executed.NO),
        (Executed.NO, Executed.UNKNOWN, Executed.UNKNOWN),
        (Executed.UNKNOWN, Executed.NO, Executed.UNKNOWN),
        (Executed.YES, Executed.NO, Executed.YES),
        (Executed.UNKNOWN, Executed.YES, Executed.YES),
        (Executed.UNKNOWN, Executed.UNKNOWN, Executed.UNKNOWN),
    ],
)
def test_two_attempts_are_not_executed_only_if_neither_was(first: Executed, second: Executed, both: Executed) -> None:
    assert both_executed(first, second) is both


def test_jitter_spreads_from_at_once_to_25_ms() -> None:
    assert (jitter_ns(lambda: 0.0), jitter_ns(lambda: 0.999999)) == (0, int(0.999999 * JITTER_NS))


def test_a_caller_of_few_requests_may_retry_all_the_same() -> None:
    budget = RetryBudget(0)
    assert [budget.grant(1, 60 * S) for _ in range(5)] == [True, True, True, False, False]
    assert (budget.retried, budget.refused) == (3, 2)


def test_what_was_saved_is_one_second_s_earnings() -> None:
    budget = RetryBudget(0)
    granted = sum(budget.grant(100 * 3600, 3600 * S) for _ in range(1000))
    assert granted == 23, "an hour at 100 requests/s buys 20 + 3"


def test_a_clock_that_stands_still_or_goes_back_earns_nothing() -> None:
    budget = RetryBudget(10 * S)
    assert [budget.grant(0, at * S) for at in (10, 9, 10, 5, 10)] == [False] * 5


@given(
    rates=st.lists(st.tuples(st.integers(0, 2000), st.integers(1, 30)), min_size=1, max_size=6),
    failing=st.lists(st.booleans(), min_size=1, max_size=40),
)
def test_no_stretch_of_time_sees_more_than_the_share_and_the_floor(
    rates: list[tuple[int, int]], failing: list[bool]
) -> None:
    """Whole pools that fail at times, at any rate: N × 20 % + 3/s, and one second of that more."""
    budget, now_ns, requests, most_per_s = RetryBudget(0), 0, 0, 0
    seen: list[tuple[int, int, int]] = [(0, 0, 0)]
    for per_s, quarters in rates:
        most_per_s = max(most_per_s, per_s)
        for quarter in range(quarters):
            now_ns += S // 4
            fails = failing[(len(seen) + quarter) % len(failing)]
            for at in range(per_s // 4):
                requests += 1
                if fails:
                    budget.grant(requests, now_ns - S // 4 + at * S // (per_s + 1))
            seen.append((now_ns, requests, budget.retried))
    for at, (begin_ns, before, retried) in enumerate(seen):
        saved = SHARE * most_per_s + FLOOR_PER_S
        for end_ns, after, later in seen[at + 1 :]:
            bound = SHARE * (after - before) + FLOOR_PER_S * (end_ns - begin_ns) / S + saved
            assert later - retried <= bound + 1e-6
    assert budget.retried <= SHARE * requests + FLOOR_PER_S * now_ns / S + 1e-6, "and nothing on credit"


def test_a_pool_that_fails_entirely_gets_its_whole_budget() -> None:
    budget, requests = RetryBudget(0), 0
    for millisecond in range(10_000):
        if millisecond % 5 == 0:
            requests += 1
            budget.grant(requests, millisecond * S // 1000)
    assert 425 <= budget.retried <= 430, "2,000 × 20 % + 10 s × 3/s"
