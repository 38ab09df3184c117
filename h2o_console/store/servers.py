"""Hosts as they are shown: one line of a list, and one in full. Pure."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from h2o_console.feed.counters import known, parse_parts
from h2o_console.store.instances import instance_view
from h2o_console.store.views import AlarmView, HostDetail, HostView, LinkView, QueueView, VitalsView
from h2o_console.store.windows import add_counts
from h2o_core.names import shown
from h2o_core.pb.stats_pb2 import PeerReport, QueueReport

if TYPE_CHECKING:
    from h2o_console.store.hosts import HostRecord
    from h2o_console.store.views import CallView
    from h2o_core.pb.host_pb2 import Vitals

_MOST_PARTS: Final = 4096
_LONGEST_S: Final = 1e10


def host_view(host: HostRecord, newest_epoch: int, now_s: float) -> HostView:
    """One host; *newest_epoch* is the highest that any broker applies."""
    silent, seen, report, about = host.silent(now_s), host.seen, host.report, host.about
    clock_s = host.clock_s(now_s)
    instances = [instance_view(member, host, now_s) for member in host.everything(now_s)]
    rates = [one.rps for one in instances if one.rps is not None]
    outcomes: dict[str, int] = {}
    for one in instances:
        add_counts(outcomes, one.outcomes)
    links, down = host.links()
    return HostView(
        name=host.name,
        zone=(seen.zone if seen else "") or (about.zone if about is not None else ""),
        address=seen.address if seen else "",
        agent=seen.agent if seen else "",
        agent_version=about.version if about is not None else "",
        link=seen.link if seen else "",
        register=seen.register if seen else "",
        rtt_ms=seen.rtt_ms if seen else None,
        labels=seen.labels if seen else {},
        silent=silent,
        age_s=host.age_s(now_s),
        why=host.failed or (seen.why if seen else ""),
        broker_up_s=known(clock_s - report.started_s) if clock_s is not None and report is not None else None,
        broker_problem=about.broker_problem if about is not None else "",
        register_state=report.register.state if report is not None and not silent else "",
        register_silent_s=known(report.register.silent_s) if report is not None and not silent else None,
        epoch=report.epoch if report is not None else None,
        epoch_lag=max(newest_epoch - report.epoch, 0) if report is not None and not silent else None,
        vitals=None if host.vitals is None or silent else vitals_view(host.vitals),
        instances=sum(bool(one.id) for one in instances),
        ready=sum(one.ready for one in instances),
        crash_loops=sum(one.child is not None and one.child.crash_loops for one in instances),
        links=links,
        links_down=down,
        rps=sum(rates) if rates else None,
        outcomes=outcomes,
        called={} if silent else host.called.outcomes(now_s),
        queued=None if silent or report is None else sum(host.queued.values()),
    )


def vitals_view(vitals: Vitals) -> VitalsView:
    """What an agent measured; what it marks as unknown is None."""
    return VitalsView(
        cpu_pct=known(vitals.cpu_pct),
        steal_pct=known(vitals.steal_pct),
        cores=vitals.cores or None,
        load1=known(vitals.load1),
        memory_total_bytes=vitals.memory_total_bytes or None,
        memory_available_bytes=vitals.memory_available_bytes if vitals.memory_total_bytes else None,
        disk_total_bytes=vitals.disk_total_bytes or None,
        disk_available_bytes=vitals.disk_available_bytes if vitals.disk_total_bytes else None,
        clock_skew_s=vitals.clock_skew_s if vitals.clock_skew_known and abs(vitals.clock_skew_s) < _LONGEST_S else None,
        log_lines_dropped=vitals.log_lines_dropped,
    )


def host_detail(host: HostRecord, view: HostView, calls: tuple[CallView, ...], now_s: float) -> HostDetail:
    """One host in full."""
    report, clock_s = host.report, host.clock_s(now_s)
    instances = tuple(instance_view(member, host, now_s) for member in host.everything(now_s))
    if report is None:
        return HostDetail(view, instances)
    register = report.register
    return HostDetail(
        host=view,
        instances=instances,
        links=tuple(map(_link, parse_parts(PeerReport, islice(report.peers, _MOST_PARTS)))),
        queues=tuple(map(_queue, parse_parts(QueueReport, islice(report.queues, _MOST_PARTS)))),
        calls=calls,
        alarms=tuple(
            AlarmView(one.kind, one.path, None if clock_s is None else known(clock_s - one.since_s), one.sentence)
            for one in islice(register.alarms, _MOST_PARTS)
        ),
        counters=dict(islice(sorted(report.counters.items()), _MOST_PARTS)),
        strangers=report.strangers,
    )


def _link(peer: PeerReport) -> LinkView:
    rtt_ms = known(peer.rtt_ms)
    return LinkView(peer.host, peer.state, rtt_ms or None, known(peer.pong_age_ms), peer.in_flight, peer.why)


def _queue(queue: QueueReport) -> QueueView:
    return QueueView(shown(queue.package), queue.version, queue.queued, queue.capacity)
