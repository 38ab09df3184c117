"""Which versions serve, and when requests run out of time."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from h2o_core.control.settings import NewVersions
from h2o_core.deadlines import BUCKET_SHIFT, Deadlines
from h2o_core.routing import serving_versions


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
