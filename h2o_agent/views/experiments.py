"""`experiments` of `/stats`: what the broker counts of a package's versions while they are compared. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.history.tally import histogram_of
from h2o_agent.views.counts import outcomes_of, quantiles, sketch
from h2o_agent.views.head import Json, moment
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_core.pb.stats_pb2 import ArmReport, ArmSample, ExperimentReport


def experiment(report: ExperimentReport) -> Json:
    """One stage of one experiment, of requests of this host."""
    return {
        "package": shown(report.package),
        "experiment": report.experiment,
        "salt": report.salt,
        "stable": report.stable,
        "since": moment(report.since_s),
        "by_rule": report.by_rule,
        "broken": report.broken,
        "arms": [_arm(one) for one in report.arms],
    }


def _arm(report: ArmReport) -> Json:
    groups = report.sticky.groups
    return {
        "version": report.version,
        "parts": report.parts,
        "sticky": {
            **_sample(report.sticky),
            "groups": {
                "assigned": list(groups.assigned),
                "ended": list(groups.ended),
                "errors": list(groups.errors),
                "application": list(groups.application),
                "ticks": list(groups.ticks),
            },
        },
        "random": _sample(report.random),
    }


def _sample(sample: ArmSample) -> Json:
    return {
        "assigned": sample.assigned,
        "carried": sample.carried,
        "outcomes": outcomes_of(sample.outcomes),
        **quantiles(histogram_of(sample.latency), 0.5, 0.95, 0.99),
        "sketch": sketch(sample.latency),
    }
