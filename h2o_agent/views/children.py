"""`/children/<which>`: one process that the agent supervises, with what somebody who mends it wants to know. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from h2o_agent.lifecycle import exit_text
from h2o_agent.snapshot import ended
from h2o_agent.views.head import SCHEMA, Json, milliseconds, moment, seconds
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_agent.snapshot import ChildStatus, Snapshot
    from h2o_core.pb.stats_pb2 import InstanceReport


class Ambiguous(Exception):
    """Several children are meant; the sentence names some."""


def find(snapshot: Snapshot, which: str) -> ChildStatus | None:
    """By key, by instance id, or by the beginning of one; raises Ambiguous when it is that of several."""
    children = {child.key: child for child in _all(snapshot)}
    if which in children:
        return children[which]
    registered = _registered(snapshot)
    ids = {registered[child.token].instance: child for child in children.values() if child.token in registered}
    found = {instance: child for instance, child in ids.items() if which and instance.startswith(which)}
    if len(found) > 1 and which not in found:
        msg = f"{which} begins {len(found)} instance ids: {', '.join(sorted(found)[:5])}"
        raise Ambiguous(msg)
    return found.get(which) or next(iter(found.values()), None)


def keys(snapshot: Snapshot) -> list[str]:
    """What there is."""
    return [child.key for child in _all(snapshot)]


def detail(snapshot: Snapshot, child: ChildStatus) -> Json:
    """All that is known of it."""
    launch = child.launch
    return {
        "schema": SCHEMA,
        "fleet": snapshot.fleet,
        "host": snapshot.host,
        "as_of": moment(snapshot.now_s),
        "key": child.key,
        "package": child.package,
        "state": child.state.value,
        "state_age_s": seconds(child.age_s),
        "pid": child.pid or None,
        "started": moment(child.started_s),
        "restarts": child.restarts,
        "failures": child.failures,
        "crash_loops": child.crash_loops,
        "due_in_s": None if child.due_in_s is None else seconds(child.due_in_s),
        "why": child.why if child.pid else ended(child),
        "cpu_pct": child.use.cpu_pct if child.use.cpu_pct >= 0 else None,
        "rss_bytes": child.use.rss_bytes or None,
        "instance": _instance(_registered(snapshot).get(child.token)),
        "argv": [] if launch is None else list(launch.argv),
        "cwd": "" if launch is None else launch.cwd,
        "log": None if launch is None else launch.log,
        "limits": {} if launch is None else launch.limits.document(),
        "limits_not_kept": list(child.unkept),
        "last_exit": _last_exit(child),
    }


def _last_exit(child: ChildStatus) -> Json | None:
    if not child.exited:
        return None
    code = child.last_exit
    return {
        "code": code if code is not None and code >= 0 else None,
        "signal": -code if code is not None and code < 0 else None,
        "text": exit_text(code),
        "why": child.last_why,
        "time": moment(child.last_exit_s),
        "lines": list(child.last_lines),
    }


def _instance(report: InstanceReport | None) -> Json | None:
    if report is None:
        return None
    return {
        "id": report.instance,
        "package": shown(report.package),
        "version": report.version,
        "state": report.state,
        "slots": report.slots,
        "in_flight": report.in_flight,
        "pong_age_ms": milliseconds(report.pong_age_ms),
        "registered": moment(report.started_s),
    }


def _all(snapshot: Snapshot) -> list[ChildStatus]:
    return [*(() if snapshot.broker is None else (snapshot.broker,)), *snapshot.children]


def _registered(snapshot: Snapshot) -> dict[str, Any]:
    """By launch token; nobody's while the broker has nothing to tell."""
    if snapshot.told is None or snapshot.broker_problem():
        return {}
    return {report.launch: report for report in snapshot.told.report.instances if report.launch}
