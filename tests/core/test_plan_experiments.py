"""Plans that begin and end an experiment: what they write and say, what they refuse, and what a weight does to one."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from h2o_core.assignment import CompiledTraffic
from h2o_core.audit import Entry
from h2o_core.control.traffic import WHOLE, MatchRule, Traffic
from h2o_core.experiment.arms import stage_of
from h2o_core.plan.intents import Outcome, RollBack, Shift, StartExperiment, StopExperiment, Undo
from h2o_core.plan.plan import Ask, CannotPlan, Plan
from h2o_core.plan.situation import Decided
from h2o_core.verdicts import EXPERIMENT, Verdict
from tests.support.situations import ADA, NOW_S, A, decided, planned, running, three_hosts, weights

TWO = three_hosts(running(A, "2.0", "host-1"), running(A, "2.0", "host-2"))
THREE = three_hosts(*(running(A, version, host) for version in ("2.0", "3.0") for host in ("host-1", "host-2")))
WEEK_S = NOW_S + 7 * 86_400
CANARY = replace(weights(("1.0", 9_000), ("2.0", 1_000)), experiment="prices", salt="s0")


def start(**more: object) -> StartExperiment:
    wanted: dict[str, object] = {"package": A, "weights": {"2.0": 1_000}, "salt": "s1", "review_s": WEEK_S}
    return StartExperiment(**{**wanted, **more})  # type: ignore[arg-type]


def written(plan: Plan, there: Decided | None = None) -> Traffic:
    return (there or decided()).with_edits(plan.edits).traffic[A]


def verdicts(plan: Plan) -> dict[Verdict, str]:
    return {guard.verdict: guard.sentence for guard in plan.guards if guard.name == EXPERIMENT}


def test_a_start_writes_names_salt_and_weights_and_says_what_it_does():
    plan = planned(start(name="checkout", min_effect=50), TWO)
    traffic = written(plan)
    assert traffic == Traffic(
        A,
        "1.0",
        (("1.0", 9_000), ("2.0", 1_000)),
        salt="s1",
        experiment="checkout",
        owner=ADA.actor,
        reason=ADA.reason,
        review_s=WEEK_S,
        min_effect=50,
    )
    assert plan.sentence == "service/a: experiment checkout begins: 1.0 100% → 90%, 2.0 0% → 10%"
    assert shlex.split(plan.command) == [
        *("h2o", "experiment", "start", "service/a", "2.0=10%", "--name", "checkout"),
        *("--review", "7d", "--min-effect", "0.5%", "--reason", "because"),
    ]
    assert "--review never" in planned(start(review_s=0.0), TWO).command
    assert (plan.undo, plan.until_s, plan.friction.ask) == ("h2o undo", WEEK_S, Ask.YES)
    assert [(share.version, share.before, share.after) for share in plan.effect.shares] == [
        ("1.0", WHOLE, 9_000),
        ("2.0", 0, 1_000),
    ]
    assert not plan.refused
    assert stage_of(traffic) is not None


def test_without_a_name_it_is_called_after_its_versions():
    assert written(planned(start(), TWO)).experiment == "2.0"
    several = start(weights={"2.0": 1_000, "3.0": 500})
    traffic = written(planned(several, THREE))
    assert traffic.experiment == "2.0-3.0"
    assert traffic.weights == (("1.0", 8_500), ("2.0", 1_000), ("3.0", 500))


def test_who_is_in_a_version_already_is_drawn_anew_and_that_is_said():
    assert not planned(start(), TWO).remarks
    there = decided(weights(("1.0", 9_000), ("2.0", 1_000)))
    assert "drawn anew" in planned(start(weights={"2.0": 2_000}), TWO, there).remarks[0]


def test_another_one_is_refused_while_one_runs():
    there = decided(CANARY)
    plan = planned(start(), TWO, there)
    assert [guard.name for guard in plan.refused] == [EXPERIMENT]
    assert verdicts(plan)[Verdict.REFUSED].startswith("experiment prices of service/a runs already")
    assert "h2o experiment stop service/a" in plan.refused[0].hint
    ended = decided(replace(CANARY, ended=True))
    assert not planned(start(), TWO, ended).refused
    assert not written(planned(start(), TWO, ended), ended).ended


BAD: dict[str, tuple[StartExperiment, str]] = {
    "no such version": (start(weights={"9.0": 100}), "there is no version of service/a '9.0'"),
    "no such package": (start(package="/service/x"), "there is no package"),
    "nothing new": (start(weights={"1.0": 9_000}), "name a version beside 1.0"),
    "nothing for it": (start(weights={"2.0": 0}), "name a version beside 1.0"),
    "nothing left": (start(weights={"2.0": WHOLE}), "nothing is left for 1.0"),
    "too much": (start(weights={"2.0": 6_000, "1.0": 6_000}), "60% + 60% are not 100%"),
    "a name that is none": (start(name="a b"), "'a b' is no experiment's name"),
    "a time in the past": (start(review_s=NOW_S - 5), "in the past"),
    "a salt that is none": (start(salt="a|b"), "salt is"),
    "an effect that is none": (start(min_effect=0), "min_effect is 0"),
}


@pytest.mark.parametrize(("intent", "says"), BAD.values(), ids=BAD.keys())
def test_what_can_not_be_meant_says_what_to_type(intent: StartExperiment, says: str):
    with pytest.raises(CannotPlan) as cannot:
        planned(intent, TWO)
    assert says in cannot.value.sentence


@pytest.mark.parametrize(
    ("outcome", "after", "says", "flag"),
    [
        (Outcome.KEEP, {"1.0": 9_000, "2.0": 1_000}, "the weights stay, and so does every customer", "--keep"),
        (Outcome.PROMOTE, {"1.0": 0, "2.0": WHOLE}, "2.0 is promoted: 1.0 90% → 0%, 2.0 10% → 100%", "--promote"),
        (Outcome.REVERT, {"1.0": WHOLE, "2.0": 0}, "back to 1.0: 1.0 90% → 100%, 2.0 10% → 0%", "--revert"),
    ],
)
def test_a_stop(outcome: Outcome, after: dict[str, int], says: str, flag: str):
    there = decided(CANARY)
    plan = planned(StopExperiment(A, outcome), TWO, there)
    traffic = written(plan, there)
    assert dict(traffic.weights) == after
    assert stage_of(traffic) is None
    assert traffic.stable == ("2.0" if outcome is Outcome.PROMOTE else "1.0")
    assert plan.sentence == f"service/a: experiment prices ends, {says}"
    assert plan.command == f"h2o experiment stop service/a {flag} --reason because"
    assert not verdicts(plan)
    undone = planned(Undo(Entry(4, "0123456789abcdef", NOW_S, ADA, plan.edits)), TWO, there.with_edits(plan.edits))
    assert there.with_edits(plan.edits).with_edits(undone.edits).documents == there.documents


@given(st.lists(st.binary(min_size=1, max_size=8), min_size=1, max_size=50))
def test_whoever_is_kept_stays_where_they_are(keys: list[bytes]):
    there = decided(CANARY)
    kept = CompiledTraffic(written(planned(StopExperiment(A, Outcome.KEEP), TWO, there), there))
    before = CompiledTraffic(CANARY)
    assert [kept.by_key(key) for key in keys] == [before.by_key(key) for key in keys]


def test_what_can_not_be_stopped():
    for there in (decided(), decided(replace(CANARY, ended=True)), decided(replace(CANARY, experiment=""))):
        with pytest.raises(CannotPlan) as cannot:
            planned(StopExperiment(A, Outcome.KEEP), TWO, there)
        assert (cannot.value.kind, cannot.value.hint) == (CannotPlan.Kind.NO_MATCH, "h2o experiment status")
    several = decided(replace(weights(("1.0", 8_000), ("2.0", 1_000), ("3.0", 1_000)), experiment="x"))
    with pytest.raises(CannotPlan, match=r"say which is promoted"):
        planned(StopExperiment(A, Outcome.PROMOTE), THREE, several)
    promoted = written(planned(StopExperiment(A, Outcome.PROMOTE, "3.0"), THREE, several), several)
    assert promoted.weight("3.0") == WHOLE
    with pytest.raises(CannotPlan, match=r"there is no new version in the experiment"):
        planned(StopExperiment(A, Outcome.PROMOTE, "1.0"), THREE, several)


def test_a_weight_says_what_it_does_to_an_experiment_that_runs():
    there = decided(CANARY)
    changed = verdicts(planned(Shift(A, {"2.0": 2_000}), TWO, there))
    assert "counts anew" in changed[Verdict.WARNED]
    over = verdicts(planned(Shift(A, {"2.0": 0}), TWO, there))
    assert "ends without a verdict" in over[Verdict.WARNED]
    assert "ends without a verdict" in verdicts(planned(RollBack(A), TWO, there))[Verdict.WARNED]
    rules = Shift(A, rules=(MatchRule("2.0", keys=("ada",)),))
    assert not verdicts(planned(rules, TWO, there))
    ended = decided(replace(CANARY, ended=True))
    assert not verdicts(planned(Shift(A, {"2.0": 2_000}), TWO, ended))
