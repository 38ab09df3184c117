"""Vitals: shares from clocks that only grow (or do not), the skew of two clocks, and what is shown of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_agent.lifecycle import State
from h2o_agent.skew import LIFE_S, MOST_ROUND_TRIP_S, ClockReading, estimate
from h2o_agent.snapshot import ChildStatus, Snapshot
from h2o_agent.usage import CpuClock, HostVitals, Use, share_of_core, shares
from h2o_agent.views.host import children_of, vitals_of

VITALS = HostVitals(
    cpu_pct=12.5,
    steal_pct=-1.0,
    cores=2,
    load1=0.5,
    memory_total_bytes=8 << 30,
    memory_available_bytes=4 << 30,
    disk_total_bytes=100 << 30,
    disk_available_bytes=10 << 30,
)
SNAPSHOT = Snapshot("host-1", "test", "a", 1_700_000_000.0)


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (CpuClock(10, 10, 0), CpuClock(11, 12, 1), (25.0, 25.0)),
        (CpuClock(10, 10), CpuClock(13, 11), (75.0, -1.0)),
        (CpuClock(10, 10, 0), CpuClock(10, 10, 0), (-1.0, -1.0)),
        (CpuClock(10, 10, 0), CpuClock(9, 12, 0), (-1.0, -1.0)),
    ],
    ids=["stolen", "nobody says", "no time passed", "it went back"],
)
def test_shares_of_all_cores(before: CpuClock, now: CpuClock, said: tuple[float, float]) -> None:
    assert shares(before, now) == said


def test_the_share_of_a_core() -> None:
    assert share_of_core(1.5, 1.0) == 150.0
    assert share_of_core(0.5, 0.0) == -1.0


@given(
    ahead_s=st.floats(-1e6, 1e6),
    out_s=st.floats(0, MOST_ROUND_TRIP_S / 2),
    back_s=st.floats(0, MOST_ROUND_TRIP_S / 2),
)
def test_an_estimate_is_within_half_a_round_trip(ahead_s: float, out_s: float, back_s: float) -> None:
    unix_s, monotonic_s = 1.7e9, 500.0
    stamp_s = unix_s + out_s - ahead_s
    answered = ClockReading(unix_s + out_s + back_s, monotonic_s + out_s + back_s)
    skew = estimate(ClockReading(unix_s, monotonic_s), answered, stamp_s)
    assert skew is not None
    assert abs(skew.ahead_s - ahead_s) <= skew.bound_s + 1e-6
    assert skew.now_s(answered) == pytest.approx(skew.ahead_s, abs=1e-6)


def test_an_estimate_follows_a_clock_that_is_set_and_ends() -> None:
    at = ClockReading(1000.0, 50.0)
    skew = estimate(at, at, 999.0)
    assert skew is not None
    assert skew.now_s(ClockReading(1010.0, 60.0)) == 1.0
    assert skew.now_s(ClockReading(1040.0, 60.0)) == 31.0, "somebody has set it half a minute ahead"
    assert skew.now_s(ClockReading(1001.0 + LIFE_S, 51.0 + LIFE_S)) is None


def test_a_slow_write_and_one_without_a_stamp_tell_nothing() -> None:
    sent = ClockReading(1000.0, 50.0)
    assert estimate(sent, ClockReading(1001.1, 51.1), 1000.5) is None
    assert estimate(sent, sent, 0.0) is None


def test_vitals_are_shown_with_what_is_not_known() -> None:
    assert vitals_of(SNAPSHOT) is None
    shown = vitals_of(replace(SNAPSHOT, vitals=VITALS, log_lines_dropped=3))
    assert shown is not None
    assert (shown.cpu_pct, shown.steal_pct, shown.cores, shown.log_lines_dropped) == (12.5, -1.0, 2, 3)
    assert not shown.clock_skew_known
    shown = vitals_of(replace(SNAPSHOT, vitals=VITALS, clock_skew_s=0.0))
    assert shown is not None
    assert shown.clock_skew_known


def test_children_are_shown_with_how_they_ended() -> None:
    broker = ChildStatus("broker", "", State.RUNNING, token="b", pid=7, use=Use(3.5, 1 << 20))
    dead = ChildStatus(
        "service.email-1",
        "service/email",
        State.BACKOFF,
        due_in_s=0.5,
        failures=4,
        exited=True,
        last_exit=-9,
        last_exit_s=99.0,
        crash_loops=True,
    )
    gone = ChildStatus("service.email-2", "service/email", State.WAITING, exited=True)
    shown = children_of(replace(SNAPSHOT, broker=broker, children=(dead, gone)))
    assert [child.key for child in shown] == ["broker", "service.email-1", "service.email-2"]
    assert (shown[0].package, shown[0].cpu_pct, shown[0].rss_bytes, shown[0].due_in_s) == ("", 3.5, 1 << 20, -1.0)
    assert not shown[0].exited
    assert (shown[1].package, shown[1].state, shown[1].last_exit, shown[1].last_exit_s) == (
        "/service/email",
        "backoff",
        -9,
        99.0,
    )
    assert shown[1].last_exit_known
    assert shown[1].crash_loops
    assert shown[1].cpu_pct == -1.0
    assert shown[2].exited
    assert not shown[2].last_exit_known, "it died while nobody looked"
