"""What a broker reports of an experiment, as values; what a newer one adds is let pass. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.control.traffic import WHOLE
from h2o_core.experiment.arms import Arm, Counted, Groups, Part, Stage
from h2o_core.experiment.clusters import GROUPS
from h2o_core.histogram import Histogram

if TYPE_CHECKING:
    from h2o_core.pb.stats_pb2 import ArmSample, ExperimentReport, KeyGroups


def counted_of(report: ExperimentReport) -> Counted | None:
    """None when it contradicts itself: such a broker has counted something else."""
    weights = tuple((arm.version, arm.parts) for arm in report.arms)
    if len(dict(weights)) != len(weights) or sum(parts for _, parts in weights) != WHOLE:
        return None
    try:
        arms = {arm.version: Arm(_part(arm.sticky), _part(arm.random)) for arm in report.arms}
    except ValueError:
        return None
    stage = Stage(report.experiment, report.salt, report.stable, weights)
    return Counted(report.package, stage, report.since_s, arms, report.by_rule, report.broken)


def _part(sample: ArmSample) -> Part:
    said = sample.latency
    times = Histogram.from_lists(list(said.index), list(said.count), said.zero, said.sum)
    outcomes = {each.code: each.count for each in sample.outcomes}
    return Part(sample.assigned, sample.carried, outcomes, times, _groups(sample.groups))


def _groups(said: KeyGroups) -> Groups:
    """Raises ValueError when they are other groups than ours."""
    lists = (said.assigned, said.ended, said.errors, said.application, said.ticks)
    if {len(one) for one in lists} - {0, GROUPS}:
        msg = f"its keys are not in {GROUPS} groups"
        raise ValueError(msg)
    return Groups(*(tuple(one) for one in lists))
