"""The parts of `HostStats` that are the agent's own: its children and the server's vitals. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.pb.host_pb2 import ChildReport, Vitals

if TYPE_CHECKING:
    from h2o_agent.snapshot import ChildStatus, Snapshot


def children_of(snapshot: Snapshot) -> list[ChildReport]:
    """What the agent supervises, registered or not; the broker first, while it has not left."""
    broker = () if snapshot.broker is None else (snapshot.broker,)
    return [_child(child) for child in (*broker, *snapshot.children)]


def vitals_of(snapshot: Snapshot) -> Vitals | None:
    """How the server does; None before anything was read."""
    read = snapshot.vitals
    if read is None:
        return None
    return Vitals(
        cpu_pct=read.cpu_pct,
        steal_pct=read.steal_pct,
        cores=read.cores,
        load1=read.load1,
        memory_total_bytes=read.memory_total_bytes,
        memory_available_bytes=read.memory_available_bytes,
        disk_total_bytes=read.disk_total_bytes,
        disk_available_bytes=read.disk_available_bytes,
        clock_skew_s=snapshot.clock_skew_s or 0.0,
        clock_skew_known=snapshot.clock_skew_s is not None,
        log_lines_dropped=snapshot.log_lines_dropped,
    )


def _child(child: ChildStatus) -> ChildReport:
    return ChildReport(
        key=sound(child.key),
        package=sound(f"/{child.package}" if child.package else ""),
        state=child.state,
        launch=sound(child.token),
        pid=child.pid,
        started_s=child.started_s,
        age_s=child.age_s,
        due_in_s=-1.0 if child.due_in_s is None else child.due_in_s,
        failures=child.failures,
        restarts=child.restarts,
        exited=child.exited,
        last_exit=child.last_exit or 0,
        last_exit_known=child.exited and child.last_exit is not None,
        last_exit_s=child.last_exit_s,
        why=sound(child.why),
        crash_loops=child.crash_loops,
        cpu_pct=child.use.cpu_pct,
        rss_bytes=child.use.rss_bytes,
    )


def sound(said: str) -> str:
    """Protobuf takes no lone surrogates, which a process's last words can carry."""
    return said.encode(errors="replace").decode()
