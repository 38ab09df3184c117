"""Metrics of requests: by package, version and feature where they are served, by caller where they come from. Pure.

No label names an instance: its id is never used again, so every start would leave a set of series behind. What one
instance does is in `/stats`; what is added up here never falls (`h2o_agent.metrics.totals`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from h2o_agent.metrics.buckets import cumulative
from h2o_core.errors import Code
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from h2o_agent.metrics.totals import Counts, Questions
    from h2o_agent.snapshot import Snapshot
    from h2o_core.pb.stats_pb2 import BrokerReport

_REGISTERED = ("ready", "suspect", "leaving")
_UNREGISTERED = ("starting", "backoff", "leaving")


def served(counts: Counts) -> Iterator[Metric]:
    """Requests and how long they took, counted by the broker whose instances served them."""
    labels = ["package", "version", "feature"]
    requests = CounterMetricFamily(
        "h2o_requests", "Requests by outcome, where they are served.", labels=[*labels, "code"]
    )
    times = HistogramMetricFamily(
        "h2o_request_duration_seconds", "From handing a request to an instance until its answer.", labels=labels
    )
    for key, count in sorted(counts.items()):
        names = [label_value(each) for each in key]
        for code, number in sorted(count.outcomes.items()):
            requests.add_metric([*names, _code(code)], number)
        times.add_metric(names, cumulative(count.times), count.times.sum_ns / 1e9)
    yield requests
    yield times


def asked(counts: Questions) -> Iterator[Metric]:
    """Requests by caller, counted by the broker that they came to first. Never add them to those served."""
    requests = CounterMetricFamily(
        "h2o_caller_requests",
        "Requests by caller and outcome, where they come from; never add them to h2o_requests_total.",
        labels=["caller", "caller_version", "feature", "code"],
    )
    for key, count in sorted(counts.items()):
        for code, number in sorted(count.outcomes.items()):
            requests.add_metric([*(label_value(each) for each in key), _code(code)], number)
    yield requests
    breaches = CounterMetricFamily(
        "h2o_tier_breaches",
        "Calls against the tier rules, refused or let pass, where they come from.",
        labels=["caller", "caller_version", "feature"],
    )
    for key, count in sorted(counts.items()):
        if count.breaches:
            breaches.add_metric([label_value(each) for each in key], count.breaches)
    yield breaches


def assignments(report: BrokerReport) -> Iterator[Metric]:
    """By what decided which versions this host's requests get."""
    counted = CounterMetricFamily(
        "h2o_assignments",
        "Requests whose version was decided on by a traffic document, where they come from.",
        labels=["package", "version", "how", "broken"],
    )
    for one in report.assignments:
        said = [label_value(each) for each in (shown(one.package), one.version, one.how)]
        counted.add_metric([*said, "true" if one.broken else "false"], one.count)
    yield counted


def instances(snapshot: Snapshot, report: BrokerReport, unregistered: Iterable[tuple[str, str]]) -> Iterator[Metric]:
    """How many there are, and how busy. *unregistered*: (package, state) of each child that is no instance yet."""
    labels = ["package", "version"]
    number = GaugeMetricFamily("h2o_instances", "Instances by state.", labels=[*labels, "state"])
    slots = GaugeMetricFamily("h2o_slots", "Requests that instances execute at the same time.", labels=labels)
    in_flight = GaugeMetricFamily("h2o_in_flight", "Requests in instances now.", labels=labels)
    counts: dict[tuple[str, str, str], int] = {}
    busy: dict[tuple[str, str], list[int]] = {}
    for one in report.instances:
        package = label_value(shown(one.package))
        for state in _REGISTERED:
            counts.setdefault((package, one.version, state), 0)
        counts[package, one.version, one.state] = counts.get((package, one.version, one.state), 0) + 1
        sums = busy.setdefault((package, one.version), [0, 0])
        sums[0] += one.slots
        sums[1] += one.in_flight
    for package in {child.package for child in snapshot.children}:
        counts |= {(label_value(package), "", state): 0 for state in _UNREGISTERED}
    for package, state in unregistered:
        key = (label_value(package), "", state)
        counts[key] = counts.get(key, 0) + 1
    for key, count in sorted(counts.items()):
        number.add_metric(list(key), count)
    for pair, (slot_count, request_count) in sorted(busy.items()):
        slots.add_metric(list(pair), slot_count)
        in_flight.add_metric(list(pair), request_count)
    yield from (number, slots, in_flight)
    yield from _queues(report)
    yield from _retries(report)


def _retries(report: BrokerReport) -> Iterator[Metric]:
    labels = ["caller", "caller_version", "package"]
    retried = CounterMetricFamily("h2o_retries", "Second attempts after a failure, by who calls whom.", labels=labels)
    refused = CounterMetricFamily("h2o_retries_refused", "Failures told because the budget was spent.", labels=labels)
    for one in report.retries:
        names = [label_value(each) for each in (shown(one.caller), one.version, shown(one.package))]
        retried.add_metric(names, one.retried)
        refused.add_metric(names, one.refused)
    yield from (retried, refused)


def _queues(report: BrokerReport) -> Iterator[Metric]:
    labels = ["package", "version"]
    queued = GaugeMetricFamily("h2o_queued", "Requests that wait for a slot.", labels=labels)
    capacity = GaugeMetricFamily("h2o_queue_capacity", "Requests that may wait before others are shed.", labels=labels)
    for queue in report.queues:
        names = [label_value(shown(queue.package)), label_value(queue.version)]
        queued.add_metric(names, queue.queued)
        capacity.add_metric(names, queue.capacity)
    yield from (queued, capacity)


def label_value(said: str) -> str:
    """Text that UTF-8 can carry; the exposition escapes the rest."""
    return said.encode(errors="replace").decode()


def _code(code: int) -> str:
    try:
        return Code(code).name
    except ValueError:
        return str(code)
