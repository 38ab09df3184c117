"""Choosing: the version by its rule, then the less loaded of two."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given, strategies as st

from h2o_core.control import NewVersions
from h2o_core.deadlines import BUCKET_SHIFT, Deadlines
from h2o_core.routing import choose, serving_versions


@dataclass
class Member:
    pending: int


def test_of_two_the_one_with_fewer_pending_wins() -> None:
    idle, busy = Member(0), Member(5)
    dice = random.Random(1).random
    assert all(choose([idle, busy], dice) is idle for _ in range(100))


def test_equals_share_evenly() -> None:
    members = [Member(0) for _ in range(5)]
    dice = random.Random(2).random
    chosen = Counter(id(choose(members, dice)) for _ in range(20_000))
    assert all(3_700 < chosen[id(member)] < 4_300 for member in members)


def test_the_busiest_of_many_is_never_chosen() -> None:
    members = [Member(load) for load in range(10)]
    dice = random.Random(3).random
    assert members[-1] not in [choose(members, dice) for _ in range(5_000)]


@given(st.lists(st.integers(0, 9), min_size=1, max_size=9), st.floats(0, 1, exclude_max=True))
def test_any_dice_choose_a_member(loads: list[int], dice: float) -> None:
    members = [Member(load) for load in loads]
    assert choose(members, lambda: dice) in members


@pytest.mark.parametrize(
    ("rule", "serving"), [(NewVersions.HOLD, ["1.0.0"]), (NewVersions.SHARE, ["1.0.0", "0.9.0", "2.0.0"])]
)
def test_the_version_registered_first_serves_unless_they_share(rule: NewVersions, serving: list[str]) -> None:
    assert serving_versions({"0.9.0": 12, "1.0.0": 7, "2.0.0": 15}, rule) == serving


@given(st.lists(st.tuples(st.integers(0, 1 << 40), st.booleans()), max_size=50), st.integers(0, 1 << 40))
def test_deadlines_are_seen_at_most_a_bucket_late_and_never_early(watched: list[tuple[int, bool]], now: int) -> None:
    deadlines = Deadlines()
    for key, (deadline, discarded) in enumerate(watched):
        bucket = deadlines.add(key, deadline)
        if discarded:
            bucket.discard(key)
    expired = set(deadlines.expired(now))
    for key, (deadline, discarded) in enumerate(watched):
        if discarded or deadline > now:
            assert key not in expired
        elif deadline + (2 << BUCKET_SHIFT) <= now:
            assert key in expired
    left = [d for k, (d, discarded) in enumerate(watched) if not discarded and k not in expired]
    assert (deadlines.next_ns() is None) == (not left)
