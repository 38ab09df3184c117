"""The sketch: within 1.1 %, merged by addition, differences undo additions."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given, strategies as st

from h2o_core.histogram import Histogram

durations = st.lists(st.integers(0, 3_600_000_000_000), min_size=1, max_size=200)


def _of(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(durations, st.floats(0, 1))
def test_quantiles_are_within_the_promised_error(values: list[int], q: float) -> None:
    exact = sorted(values)[max(0, -(-int(q * len(values) * 1_000_000) // 1_000_000) - 1)]
    nearby = sorted(values)[max(0, min(len(values) - 1, int(q * len(values))))]
    measured = _of(values).quantile(q)
    assert any(abs(measured - value) <= 0.0115 * value + 1 for value in (exact, nearby))


@given(durations, durations)
def test_merging_is_recording_both(first: list[int], second: list[int]) -> None:
    merged = _of(first)
    merged.merge(_of(second))
    both = _of(first + second)
    assert (merged.lists(), merged.zero, merged.sum_ns) == (both.lists(), both.zero, both.sum_ns)


@given(durations, durations)
def test_since_undoes_merge(first: list[int], second: list[int]) -> None:
    later = _of(first)
    later.merge(_of(second))
    delta, wanted = later.since(_of(first)), _of(second)
    assert (delta.lists(), delta.zero, delta.sum_ns) == (wanted.lists(), wanted.zero, wanted.sum_ns)


def test_since_refuses_a_reset_counter() -> None:
    with pytest.raises(ValueError, match="lacks"):
        _of([5]).since(_of([5, 900]))


def test_nothing_recorded_has_no_quantile() -> None:
    assert isnan(Histogram().quantile(0.5))


@given(durations)
def test_lists_round_trip(values: list[int]) -> None:
    histogram = _of(values)
    index, count = histogram.lists()
    back = Histogram.from_lists(index, count, histogram.zero, histogram.sum_ns)
    assert back.lists() == (index, count)
    assert back.count == len(values)
