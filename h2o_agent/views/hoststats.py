"""`/stats` as protobuf, a whole host in one message; and the mark of what counts in it, for entity tags. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

from h2o_agent.views.host import children_of, sound, vitals_of
from h2o_core.pb.host_pb2 import HostStats

if TYPE_CHECKING:
    from h2o_agent.snapshot import Snapshot
    from h2o_core.pb.stats_pb2 import BrokerReport

_STEP_S: Final = 10
"""While the register is silent its age is news, but not every second."""


def host_stats(snapshot: Snapshot, version: str) -> HostStats:
    """All of it; `report` is unset when the broker has nothing to tell. *version* is the agent's."""
    problem = snapshot.broker_problem()
    stats = HostStats(
        host=sound(snapshot.host),
        fleet=sound(snapshot.fleet),
        zone=sound(snapshot.zone),
        version=version,
        as_of_s=snapshot.now_s,
        broker_problem=sound(problem),
    )
    if snapshot.told is not None:
        stats.report_age_s = snapshot.told.age_s
        if not problem:
            stats.report.CopyFrom(snapshot.told.report)
    stats.children.extend(children_of(snapshot))
    vitals = vitals_of(snapshot)
    if vitals is not None:
        stats.vitals.CopyFrom(vitals)
    return stats


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
