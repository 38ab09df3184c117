"""`/stats` as protobuf, a whole host in one message; and the mark of what counts in it, for entity tags. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from h2o_core.pb.host_pb2 import ChildReport, HostStats

if TYPE_CHECKING:
    from h2o_agent.snapshot import ChildStatus, Snapshot
    from h2o_core.pb.stats_pb2 import BrokerReport

_STEP_S: Final = 10
"""While the register is silent its age is news, but not every second."""


def host_stats(snapshot: Snapshot, version: str) -> HostStats:
    """All of it; `report` is unset when the broker has nothing to tell. *version* is the agent's."""
    problem = snapshot.broker_problem()
    stats = HostStats(
        host=snapshot.host,
        fleet=snapshot.fleet,
        zone=snapshot.zone,
        version=version,
        as_of_s=snapshot.now_s,
        broker_problem=_text(problem),
    )
    if snapshot.told is not None:
        stats.report_age_s = snapshot.told.age_s
        if not problem:
            stats.report.CopyFrom(snapshot.told.report)
    supervised = (*((snapshot.broker,) if snapshot.broker is not None else ()), *snapshot.children)
    stats.children.extend(_child(child) for child in supervised)
    return stats


def _child(child: ChildStatus) -> ChildReport:
    return ChildReport(
        key=child.key,
        package=f"/{child.package}" if child.package else "",
        state=child.state,
        launch=child.token,
        pid=child.pid,
        started_s=child.started_s,
        age_s=child.age_s,
        due_in_s=-1.0 if child.due_in_s is None else child.due_in_s,
        failures=child.failures,
        restarts=child.restarts,
        exited=child.restarts > 0 or child.last_exit is not None,
        last_exit=child.last_exit or 0,
        last_exit_known=child.last_exit is not None,
        why=_text(child.why),
        crash_loops=child.crash_loops,
        cpu_pct=-1.0,
    )


def _text(said: str) -> str:
    """Protobuf takes no lone surrogates, which a process's last words can carry."""
    return said.encode(errors="replace").decode()


def fingerprint(stats: HostStats) -> str:
    """Equal for two answers that differ in ages, clocks, round trips and vitals alone."""
    counts = HostStats()
    counts.CopyFrom(stats)
    for passing in ("as_of_s", "vitals"):
        counts.ClearField(passing)
    counts.report_age_s = round(stats.report_age_s)  # 0 but for the few seconds until the report is given up
    if stats.HasField("report"):
        _forget_passing(counts.report)
    for child in counts.children:
        for passing in ("age_s", "due_in_s", "cpu_pct", "rss_bytes"):
            child.ClearField(passing)
    return blake2b(counts.SerializeToString(deterministic=True), digest_size=12).hexdigest()


def _forget_passing(report: BrokerReport) -> None:
    report.ClearField("now_s")
    register = report.register
    register.silent_s = register.silent_s // _STEP_S
    register.picture_age_s = register.picture_age_s // _STEP_S
    for instance in report.instances:
        instance.ClearField("pong_age_ms")
        # that heartbeats come is news, how old the last one is, is not
        instance.heartbeat_age_ms = min(instance.heartbeat_age_ms, 0.0)
        for check in instance.heartbeat.checks:
            check.ClearField("time_s")
    for peer in report.peers:
        for passing in ("rtt_ms", "pong_age_ms"):
            peer.ClearField(passing)
