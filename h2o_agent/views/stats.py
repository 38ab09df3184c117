"""`/stats`: the broker's raw counters, in the field names of NATS micro where it has them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.history.tally import histogram_of
from h2o_agent.views.counts import outcomes_of, quantiles, sketch
from h2o_agent.views.experiments import experiment
from h2o_agent.views.head import Json, head, hexadecimal, milliseconds, moment
from h2o_agent.views.instances import queue_shares
from h2o_core.errors import ERRORS, Code
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot, Told
    from h2o_core.pb.stats_pb2 import (
        AssignmentReport,
        BrokerReport,
        CallerReport,
        FeatureStats,
        InstanceReport,
        PeerReport,
        PoolReport,
        QueueReport,
        RetryReport,
    )


def stats(snapshot: Snapshot, told: Told) -> Json:
    """Counters since the broker started; rates are the reader's to work out."""
    report = told.report
    queued = queue_shares(report)
    return {
        **head(snapshot, told),
        "broker": {
            "incarnation": hexadecimal(report.incarnation),
            "started": moment(report.started_s),
            "pid": report.pid,
            "restarts": snapshot.broker.restarts if snapshot.broker is not None else None,
        },
        "instances": [_instance(snapshot, one, queued[one.instance]) for one in report.instances],
        "callers": [_caller(one) for one in report.callers],
        "retries": [_retries(one) for one in report.retries],
        "assignments": [_assignment(one) for one in report.assignments],
        "experiments": [experiment(one) for one in report.experiments],
        "queues": [_queue(one) for one in report.queues],
        "pools": [_pool(one) for one in report.pools],
        "peers": [_peer(one) for one in report.peers],
        "counters": _counters(report),
    }


def _instance(snapshot: Snapshot, report: InstanceReport, queued: int) -> Json:
    return {
        "name": shown(report.package),
        "id": report.instance,
        "version": report.version,
        "host": snapshot.host,
        "zone": snapshot.zone,
        "started": moment(report.started_s),
        "state": report.state,
        "slots": report.slots,
        "in_flight": report.in_flight,
        "queued": queued,
        "verdict": report.verdict,
        "verdict_why": report.verdict_why,
        "verdict_until": moment(report.verdict_until_s),
        "endpoints": [_endpoint(feature) for feature in sorted(report.features, key=lambda one: one.feature)],
    }


def _endpoint(feature: FeatureStats) -> Json:
    counts = outcomes_of(feature.outcomes)
    times = histogram_of(feature.processing)
    measured = times.count
    return {
        "name": shown(feature.feature),
        "num_requests": sum(counts.values()),
        "num_errors": sum(counts.get(code.name, 0) for code in ERRORS),
        "num_application_errors": counts.get(Code.APPLICATION.name, 0),
        "last_error": feature.last_error,
        "last_error_time": moment(feature.last_error_time_s),
        "processing_time": times.sum_ns,
        "average_processing_time": times.sum_ns // measured if measured else 0,
        "outcomes": counts,
        **quantiles(times, 0.5, 0.95, 0.99),
        "sketch": sketch(feature.processing),
    }


def _caller(report: CallerReport) -> Json:
    return {
        "caller": shown(report.caller),
        "version": report.version,
        "feature": shown(report.feature),
        "outcomes": outcomes_of(report.outcomes),
        "breaches": report.breaches,
        **quantiles(histogram_of(report.latency), 0.5, 0.95),
        "sketch": sketch(report.latency),
    }


def _retries(report: RetryReport) -> Json:
    return {
        "caller": shown(report.caller),
        "version": report.version,
        "package": shown(report.package),
        "retried": report.retried,
        "refused": report.refused,
    }


def _assignment(report: AssignmentReport) -> Json:
    return {
        "package": shown(report.package),
        "version": report.version,
        "how": report.how,
        "broken": report.broken,
        "count": report.count,
    }


def _queue(report: QueueReport) -> Json:
    return {
        "package": shown(report.package),
        "version": report.version,
        "queued": report.queued,
        "capacity": report.capacity,
        "over_s": report.over_s,
        "callers": [
            {"caller": shown(one.caller), "started": one.started, "refused": one.refused, "waiting": one.waiting}
            for one in report.callers
        ],
    }


def _pool(report: PoolReport) -> Json:
    return {
        "package": shown(report.package),
        "version": report.version,
        "healthy": report.healthy,
        "total": report.total,
        "panic": report.panic,
        "panics": report.panics,
    }


def _peer(report: PeerReport) -> Json:
    return {
        "host": report.host,
        "state": report.state,
        "incarnation": hexadecimal(report.incarnation),
        "rtt_ms": milliseconds(report.rtt_ms) if report.rtt_ms > 0 else None,
        "pong_age_ms": milliseconds(report.pong_age_ms),
        "in_flight": report.in_flight,
        "why": report.why,
    }


def _counters(report: BrokerReport) -> dict[str, int]:
    return dict(sorted(report.counters.items()))
