"""A round's verdict and figures say what its result holds."""

from __future__ import annotations

import pytest

from bench.faults.registry import ROUNDS
from bench.faults.result import Result
from bench.faults.round import Round
from bench.figures import Goal, Sense
from tests.counting.account import Account

FAULT = Round("it", lambda _stage: RESULT, allowed={"TIMEOUT"}, goal=Goal(Sense.BELOW, 1))
RESULT = Result(0.5, Account(10, {"OK": 8, "TIMEOUT": 2}, 10, 0, 0.7, ()), extra={"rss_mib": 3})


def test_figures_are_named_after_the_round_and_only_recovery_has_its_goal() -> None:
    figures = {one.name: one for one in FAULT.figures(RESULT)}
    assert {name: one.value for name, one in figures.items()} == {
        "it_recover_s": 0.5,
        "it_failed": 2,
        "it_requests": 10,
        "it_gap_s": 0.7,
        "it_broken": 0,
        "it_code_TIMEOUT": 2,
        "it_rss_mib": 3,
    }
    assert {one.name for one in figures.values() if one.goal} == {"it_recover_s"}
    assert (figures["it_rss_mib"].unit, figures["it_gap_s"].unit, figures["it_failed"].unit) == ("MiB", "s", "")
    assert figures["it_recover_s"].holds
    assert not Round("it", FAULT.run, goal=Goal(Sense.BELOW, 0.5)).figures(RESULT)[0].holds
    never = Result(None, RESULT.account)
    assert "it_recover_s" not in {one.name for one in FAULT.figures(never)}


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (Result(0.5, Account(1, {"OK": 1}, 2, 0, 0, ("executed twice",))), "executed twice"),
        (Result(0.5, Account(2, {"OK": 1, "INTERNAL": 1}, 2, 0, 0, ())), "1 requests failed with INTERNAL"),
        (Result(0.5, Account(1, {"TIMEOUT": 1}, 0, 0, 0, ())), "no request was served"),
        (Result(0.5, RESULT.account, broken=("it came back as another",)), "it came back as another"),
    ],
)
def test_the_verdict_tells_each_thing_that_must_not_be(result: Result, sentence: str) -> None:
    (found,) = FAULT.verdict(result)
    assert sentence in found


def test_what_the_fault_excuses_is_no_fault() -> None:
    assert FAULT.verdict(RESULT) == ()
    assert Round("it", FAULT.run).verdict(RESULT) != ()


def test_rounds_have_names_of_their_own() -> None:
    names = [one.name for one in ROUNDS]
    assert sorted(set(names)) == sorted(names)
