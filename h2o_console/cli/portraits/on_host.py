"""The sections of one host alone: its broker, vitals, processes, links, queues and odd things. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from h2o_console.cli.portraits import fields
from h2o_console.sections import Section
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_console.cli.portraits.known import Entry, Known
    from h2o_core.pb.host_pb2 import HostStats


def broker(known: Known, answer: HostStats | None) -> Entry:
    """The facts of its broker and of its agent; none when its agent has not answered."""
    if answer is None:
        return {}
    report = answer.report
    return {
        "agent_version": answer.version,
        "broker_pid": report.pid or None,
        "broker_age_s": known.age_s(report.started_s),
        "broker_problem": answer.broker_problem,
        "register_state": report.register.state,
        "register_silent_s": report.register.silent_s or None,
        "epoch": report.epoch if answer.HasField("report") else None,
        "strangers": report.strangers,
        "alarms": "; ".join(f"{each.path}: {each.sentence}" for each in report.register.alarms),
    }


def vitals(answer: HostStats) -> Entry:
    """The machine; none when the agent does not measure it."""
    vitals = answer.vitals
    if not answer.HasField("vitals"):
        return {}
    return {
        "cpu_pct": vitals.cpu_pct if vitals.cpu_pct >= 0 else None,
        "steal_pct": vitals.steal_pct if vitals.steal_pct >= 0 else None,
        "cores": vitals.cores or None,
        "load1": vitals.load1 if vitals.load1 >= 0 else None,
        "memory_available_bytes": vitals.memory_available_bytes or None,
        "memory_total_bytes": vitals.memory_total_bytes or None,
        "disk_available_bytes": vitals.disk_available_bytes or None,
        "disk_total_bytes": vitals.disk_total_bytes or None,
        "clock_skew_s": vitals.clock_skew_s if vitals.clock_skew_known else None,
        "log_lines_dropped": vitals.log_lines_dropped,
    }


def process(each: Any) -> Entry:
    """A process that the agent looks after."""
    return {
        "key": each.key,
        "state": each.state,
        "pid": each.pid or None,
        "age_s": each.age_s,
        "restarts": each.restarts,
        "cpu_pct": each.cpu_pct if each.cpu_pct >= 0 else None,
        "rss_bytes": each.rss_bytes or None,
        "crash_loops": each.crash_loops,
        "why": each.why,
    }


def link(each: Any) -> Entry:
    """A link to another broker."""
    return {
        "host": each.host,
        "state": each.state,
        "rtt_ms": each.rtt_ms if each.rtt_ms > 0 else None,
        "pong_age_ms": each.pong_age_ms if each.pong_age_ms >= 0 else None,
        "in_flight": each.in_flight,
        "why": each.why,
    }


def queues(queues: Iterable[Any]) -> list[Entry]:
    """Those in which somebody waits, or did in the last seconds and got nothing."""
    entries = [
        {
            "package": shown(each.package),
            "version": each.version,
            "queued": each.queued,
            "capacity": each.capacity,
            "refused": sum(one.refused for one in each.callers),
            "refused_of": [shown(one.caller) for one in each.callers if one.refused],
        }
        for each in queues
    ]
    return [each for each in entries if each["queued"] or each["refused"]]


def counters(answer: HostStats) -> Section:
    """What its broker counted that ought not to be."""
    entries = [{"name": name, "count": n} for name, n in sorted(answer.report.counters.items())]
    return Section("counters", "DROPPED AND ODD THINGS", fields.COUNTERS, entries)
