"""Who gets the slots when there are too few: counted while it lasts, by a bounded number of names."""

from __future__ import annotations

from h2o_broker.contention import LOOKS_BACK_S, MOST_CALLERS, OTHERS, Contention, Share

S = 1_000_000_000


def test_shares_are_those_of_the_last_seconds() -> None:
    contention = Contention(100 * S)
    for at in range(20):
        contention.started("website", (100 + at) * S)
        contention.refused("booking", (100 + at) * S + 5)
    assert contention.shares(119 * S) == {"website": Share(10, 0), "booking": Share(0, 10)}
    assert contention.seconds(119 * S) == LOOKS_BACK_S
    assert contention.shares(200 * S) == {}


def test_it_says_how_much_it_has_seen() -> None:
    assert Contention(100 * S).seconds(102 * S) == 3


def test_it_is_over_when_nobody_has_waited_for_as_long_as_it_looks_back() -> None:
    contention = Contention(100 * S)
    contention.wanted(105 * S)
    contention.started("website", 116 * S)
    assert [contention.is_over(at * S) for at in (105, 115, 116)] == [False, False, True]


def test_more_callers_than_it_names_are_counted_together() -> None:
    contention = Contention(0)
    for at in range(MOST_CALLERS + 5):
        contention.started(f"caller {at}", 0)
    shares = contention.shares(0)
    assert len(shares) == MOST_CALLERS + 1
    assert shares[OTHERS] == Share(5, 0)


def test_it_forgets_what_is_out_of_sight() -> None:
    contention = Contention(0)
    for at in range(1000):
        contention.started(f"caller {at}", at * S)
    assert len(contention._seconds) == LOOKS_BACK_S
