"""What is said of an experiment: worse, better, no difference, how many more, or that its samples are not alike."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, strategies as st

from h2o_core.control.traffic import Traffic
from h2o_core.errors import Code
from h2o_core.experiment.arms import Arm, Counted, Part, Stage, stage_of, together
from h2o_core.experiment.judging import Judgement, Verdict, judge
from h2o_core.experiment.words import lasting, percentage, sentence
from tests.support.trials import NEW, STABLE, Call, counted, durations, part, shares, stage

NOW_S = 1600.0
POINT = 0.01


def _said(found: Counted) -> tuple[Judgement, str]:
    judged = judge(found, POINT, NOW_S)
    return judged.versions[0], sentence(found, judged, judged.versions[0])


@pytest.mark.parametrize(
    ("control", "challenger", "verdict", "said"),
    [
        (shares(2700, 27), shares(300, 18), Verdict.WORSE, "2.0.0 is worse: errors 6.0 % against 1.0 %"),
        (shares(2700, 160), shares(300, 1), Verdict.BETTER, "2.0.0 is better: errors 0.3 % against 5.9 %"),
        (
            shares(2700, application=27),
            shares(300, application=30),
            Verdict.WORSE,
            "2.0.0 is worse: application errors 10.0 % against 1.0 %",
        ),
        (
            shares(2700),
            shares(300, took_ns=26_000_000),
            Verdict.WORSE,
            "2.0.0 is worse: slower by 30% (+5.99 ms at the median)",
        ),
        (
            shares(2700, 27),
            shares(300, 3),
            Verdict.UNDECIDED,
            "no difference seen yet: needs 2,125 more requests of 2.0.0, about 71 min",
        ),
        (
            shares(27_000, 270),
            shares(3000, 31),
            Verdict.ALIKE,
            "no difference that matters in 3,000 requests of 2.0.0: errors 1.0 % against 1.0 % (-0.41 to +0.71 points)",
        ),
        (
            Part(),
            Part(),
            Verdict.UNDECIDED,
            "no difference seen yet: needs 4,657 more requests of 2.0.0; it has had none so far",
        ),
    ],
)
def test_a_verdict_is_said_in_words(control: Part, challenger: Part, verdict: Verdict, said: str) -> None:
    one, words = _said(counted(Arm(random=control), Arm(random=challenger)))
    assert (one.verdict, words) == (verdict, said)


def test_samples_that_are_not_alike_are_invalid_whatever_they_say() -> None:
    one, words = _said(counted(Arm(random=shares(820, 8)), Arm(random=shares(180, 20)), broken=7))
    assert one.verdict is Verdict.INVALID
    assert words == (
        "invalid: sample ratio 18:82, expected 10:90 (2.0.0, 1.0.0); "
        "requests that got a version without an instance: 7; "
        "start one; besides, 2.0.0 has errors 11.1 % against 1.0 %"
    )


def test_a_version_that_gets_nothing_is_a_mismatch() -> None:
    one, _ = _said(counted(Arm(random=shares(2000)), Arm()))
    assert one.verdict is Verdict.INVALID


def test_what_carries_its_version_is_judged_but_was_not_drawn() -> None:
    """A version that calls itself more often is no mismatch."""
    chatty = Part(300, 2700, {Code.OK: 3000}, shares(3000).times)
    one, _ = _said(counted(Arm(random=shares(2700)), Arm(random=chatty)))
    assert one.verdict is Verdict.ALIKE
    assert one.requests == 3000


def _customers(count: int, each: int, failing: int, offset: int = 0) -> Part:
    """Of *count* keys *failing* fail always."""
    return part(
        Call(Code.INTERNAL if customer < failing else Code.OK, key=b"customer-%d" % (customer + offset))
        for customer in range(count)
        for _ in range(each)
    )


def test_one_customer_who_fails_a_thousand_times_is_one() -> None:
    one, _ = _said(counted(Arm(sticky=_customers(1800, 10, 0)), Arm(sticky=_customers(200, 10, 1, 5000))))
    assert one.errors.challenger.hits == 10
    assert one.errors.verdict is Verdict.UNDECIDED


def test_many_customers_who_fail_are_told() -> None:
    one, words = _said(counted(Arm(sticky=_customers(1800, 10, 0)), Arm(sticky=_customers(200, 10, 20, 5000))))
    assert one.verdict is Verdict.WORSE
    assert words == "2.0.0 is worse: errors 10.0 % against 0 %"


def test_a_few_customers_who_call_much_are_no_mismatch() -> None:
    """A sixth instead of a tenth of the requests: chance with thirty keys, out of the question with 9,000."""
    control, challenger = _customers(25, 300, 0), _customers(5, 300, 0, 100)
    assert not judge(counted(Arm(sticky=control), Arm(sticky=challenger)), POINT, NOW_S).ratio.invalid
    drawn = Arm(random=shares(7500)), Arm(random=shares(1500))
    assert judge(counted(*drawn), POINT, NOW_S).ratio.invalid


def test_too_few_keys_are_left_out_and_said() -> None:
    one, words = _said(counted(Arm(sticky=_customers(9, 100, 0)), Arm(sticky=_customers(1, 100, 1, 50))))
    assert (one.verdict, one.few_keys, one.requests) == (Verdict.UNDECIDED, True, 0)
    assert words.startswith("can't be judged: its requests come from too few sticky keys")
    beside = counted(Arm(_customers(9, 100, 0), shares(2700, 27)), Arm(_customers(1, 100, 1, 50), shares(300, 18)))
    one, words = _said(beside)
    assert (one.verdict, one.few_keys, one.requests) == (Verdict.WORSE, True, 300)


def test_each_new_version_is_judged_and_alpha_is_shared() -> None:
    weights = ((STABLE, 8000), (NEW, 1000), ("3.0.0", 1000))
    arms = {
        STABLE: Arm(random=shares(8000, 80)),
        NEW: Arm(random=shares(1000, 10)),
        "3.0.0": Arm(random=shares(1000, 90)),
    }
    found = Counted("/service/customer", Stage("checkout", "s1", STABLE, weights), 1000.0, arms)
    verdicts = {one.version: one.verdict for one in judge(found, POINT, NOW_S).versions}
    assert verdicts == {NEW: Verdict.UNDECIDED, "3.0.0": Verdict.WORSE}


@given(st.integers(0, 60), st.integers(0, 60), st.integers(5, 60), st.integers(5, 60), st.integers(100, 3000))
def test_changing_places_mirrors_what_is_found(errors: int, errors_2: int, took: int, took_2: int, size: int) -> None:
    one, other = shares(size, errors, took_ns=took * 1_000_000), shares(size, errors_2, took_ns=took_2 * 1_000_000)
    there = judge(counted(Arm(random=one), Arm(random=other), parts=5000), POINT, NOW_S).versions[0]
    back = judge(counted(Arm(random=other), Arm(random=one), parts=5000), POINT, NOW_S).versions[0]
    mirrored = {Verdict.WORSE: Verdict.BETTER, Verdict.BETTER: Verdict.WORSE}
    for mine, theirs in (
        (there.errors, back.errors),
        (there.application, back.application),
        (there.durations, back.durations),
    ):
        assert mine.verdict is mirrored.get(theirs.verdict, theirs.verdict)


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from((0, 10, 11)), st.integers(0, 40), st.integers(0, 2)), max_size=80)
)
def test_counts_of_several_brokers_are_those_of_one(calls: list[tuple[bool, int, int, int]]) -> None:
    """Whatever broker counted a request."""

    def of(broker: int | None) -> Counted:
        chosen = [call for call in calls if broker is None or call[3] == broker]
        arms = [
            [
                Call(Code(code), 1_000_000 * (key + 2), b"k%d" % key if key < 30 else b"")
                for new, code, key, _ in chosen
                if new is version
            ]
            for version in (False, True)
        ]
        control, challenger = (
            Arm(part(one for one in arm if one.key), part(one for one in arm if not one.key)) for arm in arms
        )
        return counted(control, challenger)

    merged = together(of(broker) for broker in range(3))
    assert merged is not None
    for version in (STABLE, NEW):
        for mine, theirs in zip(_parts(merged.arm(version)), _parts(of(None).arm(version)), strict=True):
            assert mine.outcomes == theirs.outcomes
            assert (mine.assigned, mine.times.lists(), mine.times.sum_ns) == (
                theirs.assigned,
                theirs.times.lists(),
                theirs.times.sum_ns,
            )
            assert [*mine.groups] == [*theirs.groups]


def _parts(arm: Arm) -> tuple[Part, Part]:
    return arm.sticky, arm.random


def test_a_document_is_an_experiment_with_a_name_and_two_versions_that_have_weight() -> None:
    document = Traffic("/service/customer", STABLE, ((STABLE, 9000), (NEW, 1000)), salt="s1", experiment="checkout")
    assert stage_of(document) == stage()
    assert stage().challengers == (NEW,)
    for other in (
        Traffic("/service/customer", STABLE, ((STABLE, 9000), (NEW, 1000))),
        Traffic("/service/customer", STABLE, ((STABLE, 10_000), (NEW, 0)), experiment="checkout"),
        Traffic("/service/customer", STABLE, ((STABLE, 0), (NEW, 5000), ("3.0.0", 5000)), experiment="checkout"),
    ):
        assert stage_of(other) is None


def test_durations_are_compared_with_their_keys() -> None:
    """The new version's customers happen to be slow ones, each of them always: that is not the version's doing."""
    dice = Random(8)
    customers = [(b"c%d" % at, int(20e6 * 2 ** dice.gauss(0, 1))) for at in range(400)]

    def of(some: list[tuple[bytes, int]]) -> Part:
        return part(Call(took_ns=took, key=key) for key, took in some for _ in range(40))

    slow = sorted(customers[:60], key=lambda one: one[1])[20:]
    aware = judge(counted(Arm(sticky=of(customers[60:])), Arm(sticky=of(slow))), POINT, NOW_S).versions[0]
    blind = Arm(random=of(customers[60:])), Arm(random=of(slow))
    assert abs(judge(counted(*blind), POINT, NOW_S).versions[0].durations.measured.z) > 2 * abs(
        aware.durations.measured.z
    )


def test_numbers_are_written_as_people_read_them() -> None:
    assert [percentage(share) for share in (0, 0.0004, 0.0615, 1)] == ["0 %", "0.04 %", "6.2 %", "100.0 %"]
    assert [lasting(seconds) for seconds in (40, 840, 11_520, 9 * 86_400)] == ["40 s", "14 min", "3.2 h", "9 d"]
    assert durations(Random(1), 3, 20).count == 3
