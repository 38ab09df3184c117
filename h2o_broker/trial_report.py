"""A trial as the broker's report carries it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.counts import outcomes_of, sketch_of
from h2o_core.pb.stats_pb2 import ArmReport, ArmSample, ExperimentReport, KeyGroups

if TYPE_CHECKING:
    from h2o_broker.trial import Tally, Trial
    from h2o_core.times import Moment

_S: Final = 1e9


def experiment_report(package: str, trial: Trial, moment: Moment) -> ExperimentReport:
    """Raw counters since the trial began here."""
    stage = trial.stage
    return ExperimentReport(
        package=package,
        experiment=stage.experiment,
        salt=stage.salt,
        stable=stage.stable,
        since_s=moment.unix_s - (moment.monotonic_ns - trial.since_ns) / _S,
        arms=[
            ArmReport(version=version, parts=parts, sticky=_sample(sticky, keys=True), random=_sample(random))
            for (version, parts), (sticky, random) in zip(stage.weights, trial.arms.values(), strict=True)
        ],
        by_rule=trial.by_rule,
        broken=trial.broken,
    )


def _sample(tally: Tally, *, keys: bool = False) -> ArmSample:
    sample = ArmSample(
        assigned=tally.assigned,
        carried=tally.carried,
        outcomes=outcomes_of(tally.outcomes),
        latency=sketch_of(tally.times),
    )
    if keys:
        groups = KeyGroups(
            assigned=tally.starts,
            ended=tally.ended,
            errors=tally.errors,
            application=tally.application,
            ticks=tally.ticks,
        )
        sample.groups.CopyFrom(groups)
    return sample
