"""What ejects an instance, for how long, and what brings it back."""

from __future__ import annotations

import pytest

from h2o_core.ejection import Event, InvalidTransition, Policy, Standing, State
from h2o_core.health import Sign, Verdict

S = 1_000_000_000
WELL, ILL, BUSY, NOTHING = Sign.WELL, Sign.ILL, Sign.BUSY, Sign.NOTHING


def middle() -> float:
    """Dice that change nothing."""
    return 0.5


def standing() -> Standing:
    return Standing(0, middle)


def ejected(times: int = 1) -> Standing:
    """Out for the *times*-th time in a row: each probe before has failed."""
    one = standing()
    one.handle(Event.EJECT, 0, reason="5 requests in a row failed")
    for _ in range(times - 1):
        due = one.due_ns
        one.tick(due)
        one.handle(Event.PROBE, due, request=7)
        one.heed(ILL, 7, due)
    return one


@pytest.mark.parametrize(
    ("signs", "out"),
    [
        ([ILL] * 4, False),
        ([ILL] * 5, True),
        ([ILL] * 4 + [WELL] + [ILL] * 4, False),
        ([ILL, ILL, NOTHING, ILL, NOTHING, ILL, ILL], True),
        ([ILL, ILL, BUSY, ILL, BUSY, ILL, ILL], True),
        ([BUSY] * 50, False),
        ([NOTHING] * 50, False),
    ],
)
def test_five_failures_in_a_row(signs: list[Sign], out: bool) -> None:
    one = standing()
    deserved = [one.heed(sign, 1, 0) for sign in signs]
    assert deserved[-1] is out
    assert not any(deserved[:-1])
    assert one.state is State.IN, "who may go is not its own decision"


def test_a_success_on_the_short_way_counts_as_any_other() -> None:
    one = standing()
    assert not one.alert
    one.well += 20
    one.tick(S)
    assert (one.share, one.requests) == (1.0, 20)
    one.heed(ILL, 1, S)
    assert one.alert, "the next success has to end the run"
    one.heed(WELL, 1, S)
    assert not one.alert


@pytest.mark.parametrize(
    ("well", "ill", "pools", "out"),
    [
        (14, 5, 1.0, False),  # 19 requests are too few
        (15, 5, 1.0, True),
        (16, 4, 1.0, False),  # 80 % is not below 80 %
        (15, 5, 0.85, True),  # 75 %, ten points below
        (15, 5, 0.84, False),
        (0, 20, 0.05, False),  # all of them fail
        (70, 30, 0.80, True),
        (700, 300, 0.79, False),
    ],
)
def test_a_low_share_that_is_lower_than_the_pools(well: int, ill: int, pools: float, out: bool) -> None:
    one = standing()
    one.well, one.ill = well, ill
    assert not one.is_worse_than(pools), "only whole seconds count"
    assert one.tick(S)
    assert one.is_worse_than(pools) is out


def test_the_share_forgets_after_ten_seconds() -> None:
    one = standing()
    one.ill = 20
    for second in range(1, 11):
        assert one.tick(second * S)
        assert one.is_poor()
    one.tick(11 * S)
    assert (one.share, one.requests, one.is_poor()) == (None, 0, False)


def test_a_tick_that_comes_late_makes_the_seconds_that_it_missed() -> None:
    one = standing()
    one.ill = 20
    one.tick(6 * S)
    assert one.is_poor()
    assert not one.tick(6 * S + S // 2)
    one.tick(400 * S)
    assert not one.requests


def test_out_for_longer_each_time_up_to_five_minutes_and_back_through_one_probe() -> None:
    lengths = [(ejected(times).due_ns - ejected(times).since_ns) // S for times in range(1, 13)]
    assert lengths == [30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300]
    one = ejected(3)
    assert one.reason == "5 requests in a row failed"
    assert not one.tick(one.due_ns - 1) or one.state is State.OUT
    one.tick(one.due_ns)
    assert (one.state, one.verdict) == (State.WAITING, Verdict.PROBING)
    one.handle(Event.PROBE, 0, request=9)
    assert (one.state, one.verdict) == (State.PROBING, Verdict.EJECTED)
    one.heed(WELL, 8, 0)
    assert one.state is State.PROBING, "another request's answer"
    one.heed(WELL, 9, 0)
    assert (one.state, one.verdict, one.alert) == (State.IN, Verdict.OK, False)


@pytest.mark.parametrize(("dice", "out_s"), [(0.0, 27.0), (0.5, 30.0), (1.0, 33.0)])
def test_ten_per_cent_more_or_less(dice: float, out_s: float) -> None:
    one = Standing(0, lambda: dice)
    one.handle(Event.EJECT, 0)
    assert one.due_ns == out_s * S


@pytest.mark.parametrize(
    ("sign", "state", "times"),
    [
        (WELL, State.IN, 1),
        (ILL, State.OUT, 2),
        (BUSY, State.OUT, 2),
        (NOTHING, State.OUT, 1),
    ],
)
def test_what_a_probe_tells(sign: Sign, state: State, times: int) -> None:
    one = ejected()
    one.tick(30 * S)
    one.handle(Event.PROBE, 30 * S, request=9)
    assert not one.heed(sign, 9, 31 * S)
    assert (one.state, one.times) == (state, times)
    if sign is NOTHING:
        assert one.due_ns == 32 * S, "another one a second later"


def test_a_time_in_a_row_is_forgotten_after_a_minute_in_the_pool() -> None:
    one = ejected(3)
    due = one.due_ns
    one.tick(due)
    one.handle(Event.PROBE, due, request=9)
    one.heed(WELL, 9, due)
    seen = list[int]()
    for second in (0, 59, 60, 119, 120, 1000):
        one.tick(due + second * S)
        seen.append(one.times)
    assert seen == [3, 3, 2, 2, 1, 0]


def test_who_is_pardoned_was_never_out_and_begins_afresh() -> None:
    for until in (State.OUT, State.WAITING, State.PROBING):
        one = standing()
        one.ill = 30
        one.tick(S)
        one.handle(Event.EJECT, S)
        if until is not State.OUT:
            one.tick(one.due_ns)
        if until is State.PROBING:
            one.handle(Event.PROBE, 40 * S, request=9)
        assert one.state is until
        one.handle(Event.PARDON, 40 * S)
        assert (one.state, one.times, one.run, one.requests, one.due_ns) == (State.IN, 0, 0, 0, 0)


def test_what_was_sent_before_it_went_out_is_not_held_against_it() -> None:
    one = ejected()
    assert not any(one.heed(ILL, request, S) for request in range(20))
    assert (one.state, one.times, one.run) == (State.OUT, 1, 0)


def test_an_event_that_does_not_fit_tells_what_led_there() -> None:
    one = ejected()
    with pytest.raises(InvalidTransition, match=r"probe in state out; before: 0.000 eject → out"):
        one.handle(Event.PROBE, S)


def test_a_policy_is_an_argument() -> None:
    one = Standing(0, middle, Policy(run=2, first_s=0.5))
    one.heed(ILL, 1, 0)
    assert one.heed(ILL, 2, 0)
    one.handle(Event.EJECT, 0, reason=one.run_text())
    assert (one.due_ns, one.reason) == (S // 2, "2 requests in a row failed")


def test_the_sentence_about_a_share() -> None:
    one = standing()
    one.well, one.ill = 12, 13
    one.tick(S)
    assert one.share_text(0.995) == "48% of 25 requests in 10 s succeeded, the pool's median is 100%"
