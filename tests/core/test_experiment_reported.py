"""An experiment from a broker to whoever judges it: the same counts, or none when they contradict themselves."""

from __future__ import annotations

import pytest

from h2o_broker.trial_report import experiment_report
from h2o_core.control.traffic import WHOLE, Traffic
from h2o_core.envelope import TAG_STICKY_KEY
from h2o_core.errors import Code
from h2o_core.experiment.arms import stage_of
from h2o_core.experiment.judging import judge
from h2o_core.experiment.reported import counted_of
from h2o_core.pb.stats_pb2 import ArmReport, ArmSample, ExperimentReport, KeyGroups, OutcomeCount, Sketch
from h2o_core.times import Moment
from tests.support.switches import NOW, PACKAGE, Broker, decide_traffic

OLD, NEW = "1.0.0", "2.0.0"
DOCUMENT = Traffic(PACKAGE, OLD, ((OLD, 5_000), (NEW, 5_000)), salt="s1", experiment="checkout")


def test_what_a_broker_counts_is_what_is_judged():
    broker = Broker()
    for version in (OLD, NEW):
        broker.here(version, version)
    decide_traffic(broker.switch, PACKAGE, DOCUMENT, NOW)
    for key in range(100):
        broker.serves({TAG_STICKY_KEY: b"k%d" % key} if key % 2 else {})
    trial = broker.switch.trials[PACKAGE]
    found = counted_of(experiment_report(PACKAGE, trial, Moment(NOW, 50.0)))
    assert found is not None
    assert (found.package, found.stage, found.since_s) == (PACKAGE, stage_of(DOCUMENT), 50.0)
    for version, (sticky, random) in trial.arms.items():
        arm = found.arm(version)
        for part, tally in ((arm.sticky, sticky), (arm.random, random)):
            assert (part.assigned, part.ended) == (tally.assigned, sum(tally.outcomes))
            assert part.outcomes == {Code.OK: tally.outcomes[0]}
            assert part.times.lists() == tally.times.lists()
        assert arm.sticky.groups.ended == tuple(sticky.ended)
        assert arm.whole.ended == arm.sticky.ended + arm.random.ended
    assert sum(found.arm(version).whole.ended for version in (OLD, NEW)) == 100


def report(*arms: ArmReport) -> ExperimentReport:
    return ExperimentReport(package=PACKAGE, experiment="e", salt="s", stable=OLD, arms=arms)


HALVES = (ArmReport(version=OLD, parts=5_000), ArmReport(version=NEW, parts=5_000))


@pytest.mark.parametrize(
    "said",
    [
        report(),
        report(*HALVES, ArmReport(version="3.0.0", parts=1)),
        report(ArmReport(version=OLD, parts=5_000), ArmReport(version=OLD, parts=5_000)),
        report(HALVES[0], ArmReport(version=NEW, parts=5_000, random=ArmSample(latency=Sketch(index=[1], count=[])))),
        report(HALVES[0], ArmReport(version=NEW, parts=5_000, sticky=ArmSample(groups=KeyGroups(ended=[1, 2])))),
    ],
    ids=["nothing", "more than all", "a version twice", "half a sketch", "other groups"],
)
def test_what_contradicts_itself_is_not_counted(said: ExperimentReport):
    assert counted_of(said) is None


def test_what_is_odd_is_judged_without_a_failure():
    """Codes of a newer broker, outcomes without durations, durations without outcomes."""
    outcomes = [OutcomeCount(code=0, count=500), OutcomeCount(code=99, count=300)]
    groups = KeyGroups(ended=[25] * 32)
    for odd in (
        ArmSample(outcomes=outcomes),
        ArmSample(outcomes=outcomes, groups=groups),
        ArmSample(latency=Sketch(index=[600], count=[40])),
        ArmSample(assigned=1_000),
        ArmSample(latency=Sketch(zero=400), outcomes=outcomes),
    ):
        arms = [ArmReport(version=version, parts=WHOLE // 2, sticky=odd, random=odd) for version in (OLD, NEW)]
        found = counted_of(report(*arms))
        assert found is not None
        assert judge(found, 0.01, 100.0).versions[0].version == NEW
