"""Metrics of the host itself: agent, broker, links, register, children, server, and the checks of /health. Pure."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

from h2o_agent.metrics.traffic import label_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.metrics_core import Metric

    from h2o_agent.snapshot import ChildStatus, Snapshot, Told
    from h2o_agent.views.finding import Finding
    from h2o_core.insights.grouping import Group
    from h2o_core.pb.stats_pb2 import BrokerReport

_LINKS = ("up", "connecting", "suspect", "refused", "leaving")


def agent(snapshot: Snapshot, version: str) -> Iterator[Metric]:
    """Whose metrics these are, and whether there is more to tell."""
    info = InfoMetricFamily("h2o_agent", "The agent that answers.")
    names = {"host": snapshot.host, "fleet": snapshot.fleet, "zone": snapshot.zone, "version": version}
    info.add_metric([], {key: label_value(value) for key, value in names.items()})
    yield info
    up = not snapshot.broker_problem()
    yield GaugeMetricFamily("h2o_broker_up", "1 while the broker answers; without it there is no traffic here.", up)
    leaving = int(snapshot.leaving)
    yield GaugeMetricFamily("h2o_host_leaving", "1 while the host is leaving in order.", leaving)
    yield CounterMetricFamily("h2o_log_lines_dropped", "Log lines that could not be kept.", snapshot.log_lines_dropped)


def broker(told: Told) -> Iterator[Metric]:
    """What the broker says of itself and of its surroundings."""
    report, register = told.report, told.report.register
    yield GaugeMetricFamily("h2o_broker_start_time_seconds", "Unix time of the broker's start.", report.started_s)
    yield GaugeMetricFamily("h2o_broker_report_age_seconds", "How old what it said is, once it is old.", told.age_s)
    yield GaugeMetricFamily("h2o_epoch", "The control epoch that the broker applies.", report.epoch)
    yield _links(report)
    connected = int(register.state == "connected")
    yield GaugeMetricFamily("h2o_register_connected", "1 while the broker has its session with ZooKeeper.", connected)
    yield GaugeMetricFamily("h2o_register_silent_seconds", "ZooKeeper has said nothing for so long.", register.silent_s)
    if register.picture_age_s >= 0:
        age_s = register.picture_age_s + told.age_s
        yield GaugeMetricFamily("h2o_register_age_seconds", "How old what is known of other hosts may be.", age_s)
    alarms = len(register.alarms) + register.alarms_left_out
    yield GaugeMetricFamily("h2o_register_alarms", "Things that are wrong with the register.", alarms)
    events = CounterMetricFamily(
        "h2o_broker_events", "Odd things that the broker dropped or refused, by name.", labels=["event"]
    )
    for name, count in sorted(report.counters.items()):
        events.add_metric([label_value(name)], count)
    yield events


def _links(report: BrokerReport) -> Metric:
    """By state alone: a series for each pair of a thousand hosts is a million."""
    links = GaugeMetricFamily("h2o_links", "Links to other hosts' brokers by state.", labels=["state"])
    counts = Counter(peer.state for peer in report.peers)
    for state in (*_LINKS, *sorted(set(counts) - set(_LINKS))):
        links.add_metric([label_value(state)], counts[state])
    return links


def children(supervised: Iterable[ChildStatus]) -> Iterator[Metric]:
    """The processes, by their place in the host file, which outlives them."""
    labels = ["package", "child"]
    restarts = CounterMetricFamily(
        "h2o_child_restarts", "How often it was started again, since the agent started.", labels=labels
    )
    loops = GaugeMetricFamily("h2o_child_crash_loop", "1 while it dies again and again.", labels=labels)
    cpu = GaugeMetricFamily("h2o_child_cpu_ratio", "Share of one core over the last second.", labels=labels)
    memory = GaugeMetricFamily("h2o_child_resident_memory_bytes", "Resident memory.", labels=labels)
    for child in supervised:
        names = [label_value(child.package), label_value(child.key)]
        restarts.add_metric(names, child.restarts)
        loops.add_metric(names, int(child.crash_loops))
        if child.pid and child.use.cpu_pct >= 0:
            cpu.add_metric(names, child.use.cpu_pct / 100)
        if child.pid and child.use.rss_bytes:
            memory.add_metric(names, child.use.rss_bytes)
    yield from (restarts, loops, cpu, memory)


def server(snapshot: Snapshot) -> Iterator[Metric]:
    """How the machine does; what is not known is not there."""
    skew_s = snapshot.clock_skew_s
    if skew_s is not None:
        yield GaugeMetricFamily("h2o_host_clock_skew_seconds", "Ahead of the register's clock.", skew_s)
    read = snapshot.vitals
    if read is None:
        return
    yield GaugeMetricFamily("h2o_host_cpus", "Cores.", read.cores)
    yield GaugeMetricFamily("h2o_host_load1", "Load average of a minute.", read.load1)
    if read.cpu_pct >= 0:
        yield GaugeMetricFamily("h2o_host_cpu_ratio", "Share of all cores that is busy.", read.cpu_pct / 100)
    if read.steal_pct >= 0:
        yield GaugeMetricFamily("h2o_host_cpu_steal_ratio", "Share that others took.", read.steal_pct / 100)
    sizes = (
        ("h2o_host_memory_bytes", "Memory.", read.memory_total_bytes),
        ("h2o_host_memory_available_bytes", "Memory that can be had.", read.memory_available_bytes),
        ("h2o_host_disk_bytes", "The file system of state_dir.", read.disk_total_bytes),
        ("h2o_host_disk_available_bytes", "What is free of it.", read.disk_available_bytes),
    )
    known = {"memory": read.memory_total_bytes, "disk": read.disk_total_bytes}
    for name, said, value in sizes:
        if known[name.split("_")[2]]:
            yield GaugeMetricFamily(name, said, value)


def findings(groups: Iterable[Group]) -> Metric:
    """Causes, each once; no label names an instance."""
    found = GaugeMetricFamily(
        "h2o_finding", "1 for each cause of trouble that insights find here.", labels=["kind", "subject", "severity"]
    )
    causes = {(one.cause.kind.value, str(one.cause.subject._replace(instance="")), one.severity.name) for one in groups}
    for kind, subject, severity in sorted(causes):
        found.add_metric([kind, label_value(subject), severity], 1)
    return found


def health(findings: Iterable[Finding]) -> Metric:
    """The worst of each check and component."""
    worst: dict[tuple[str, str, str], int] = {}
    for finding in findings:
        key = (label_value(finding.check), label_value(finding.component), finding.urgency)
        worst[key] = max(worst.get(key, 0), finding.verdict)
    found = GaugeMetricFamily(
        "h2o_health", "Checks of /health: 0 pass, 1 warn, 2 fail.", labels=["check", "component", "severity"]
    )
    for key, verdict in sorted(worst.items()):
        found.add_metric(list(key), verdict)
    return found
