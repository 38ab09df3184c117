"""The chaos round's plan comes from its seed alone, and its memory of memory is right."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, strategies as st

from bench.faults.memory import LEAST_S, WARM_S, Generations
from bench.faults.strikes import LONGEST_STOP_S, MEAN_GAP_S, Act, Target, plan_strikes

TARGETS = [Target(f"host-{at}", package, 0) for at in (1, 2, 3) for package in ("", "/service/a", "/service/b")]
MIB = 1 << 20


@given(st.integers(0, 1 << 32), st.permutations(TARGETS))
def test_the_same_seed_strikes_the_same_at_the_same_times(seed: int, shuffled: list[Target]) -> None:
    assert plan_strikes(seed, 60, shuffled) == plan_strikes(seed, 60, TARGETS)
    assert plan_strikes(seed, 60, TARGETS) != plan_strikes(seed + 1, 60, TARGETS)
    longer = plan_strikes(seed, 90, TARGETS)
    assert [one for one in plan_strikes(seed, 60, TARGETS) if one.at_s < 60] == [one for one in longer if one.at_s < 60]


@given(st.integers(0, 1 << 32))
def test_each_stop_is_continued_and_nobody_is_struck_while_stopped(seed: int) -> None:
    stopped: dict[Target, tuple[int, float]] = {}
    last_s = 0.0
    for strike in plan_strikes(seed, 120, TARGETS):
        assert last_s <= strike.at_s < 120 + LONGEST_STOP_S
        last_s = strike.at_s
        if strike.act is Act.CONTINUE:
            number, since_s = stopped.pop(strike.target)
            assert number == strike.number
            assert 0 < strike.at_s - since_s <= LONGEST_STOP_S
        else:
            assert strike.at_s < 120
            assert strike.target not in stopped
            if strike.act is Act.STOP:
                stopped[strike.target] = strike.number, strike.at_s
    assert not stopped


def test_ten_minutes_hold_enough_of_everything() -> None:
    plan = plan_strikes(7, 600, TARGETS)
    acts = Counter((one.act, not one.target.package) for one in plan)
    assert len({one.number for one in plan}) > 0.6 * 600 / MEAN_GAP_S
    assert min(acts[act, broker] for act in Act for broker in (True, False)) >= 10
    assert {one.target for one in plan} == set(TARGETS)
    stops = {one.number: one.at_s for one in plan if one.act is Act.STOP}
    longest_s = max(one.at_s - stops[one.number] for one in plan if one.act is Act.CONTINUE)
    assert longest_s > 6, "a session of ZooKeeper is lost now and then"


def test_growth_is_that_of_a_warm_process_which_lived_on() -> None:
    memory = Generations()
    assert (memory.growth_mib, memory.largest_mib, memory.judged) == (0, 0, 0)
    for at_s, rss in ((0, 10), (WARM_S, 40), (WARM_S + LEAST_S - 1, 60)):
        memory.note(at_s, 1, rss * MIB)
    assert (memory.growth_mib, memory.judged) == (0, 0), "too short a life to judge"
    memory.note(WARM_S + LEAST_S, 1, 43 * MIB)
    for at_s, rss in ((0, 90), (WARM_S, 50), (99, 51)):
        memory.note(at_s, 2, rss * MIB)
    assert (memory.growth_mib, memory.largest_mib) == (3, 51)
    assert (memory.judged, memory.processes) == (2, 2)
