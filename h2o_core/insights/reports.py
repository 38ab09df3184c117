"""What a host says of itself (`HostStats`) as parts of a picture, for who has asked it and for its own agent. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.insights.picture import Alarm, Changed, Child, Host, Pool, Vitals, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from h2o_core.audit import Entry
    from h2o_core.pb import host_pb2
    from h2o_core.pb.host_pb2 import HostStats
    from h2o_core.pb.stats_pb2 import PoolReport, QueueReport, RegisterReport

BROKER: Final = "broker"
"""Its key among what an agent supervises."""


def full(name: str) -> str:
    """``service/customer`` → ``/service/customer``; ``operator`` is no package."""
    return f"/{name}" if "/" in name and not name.startswith("/") else name


def host(said: HostStats, link: str, register: str = "", why: str = "", behind_s: float | None = None) -> Host:
    """A host that answers. *link*, *register* and *why*: how others see it; *behind_s*: how long behind the epoch."""
    if not said.HasField("report"):
        crashes = next((one.failures for one in said.children if one.key == BROKER and one.crash_loops), 0)
        return Host(said.host, said.zone, 0.0, link=link, broker_problem=said.broker_problem, broker_crashes=crashes)
    report = said.report
    return Host(
        name=said.host,
        zone=said.zone,
        age_s=said.report_age_s,
        why=why,
        link=link,
        register=register,
        epoch=report.epoch,
        behind_s=behind_s,
        unapplied=tuple(report.unapplied),
        register_state=report.register.state,
        register_silent_s=report.register.silent_s,
        vitals=vitals(said.vitals) if said.HasField("vitals") else None,
    )


def vitals(said: host_pb2.Vitals) -> Vitals:
    """-1, and 0 bytes of all, are unknown."""
    return Vitals(
        cpu_pct=said.cpu_pct if said.cpu_pct >= 0 else None,
        steal_pct=said.steal_pct if said.steal_pct >= 0 else None,
        memory_pct=_used_pct(said.memory_total_bytes, said.memory_available_bytes),
        disk_pct=_used_pct(said.disk_total_bytes, said.disk_available_bytes),
        clock_skew_s=said.clock_skew_s if said.clock_skew_known else None,
    )


def _used_pct(total: int, available: int) -> float | None:
    return 100.0 * (1 - min(available / total, 1.0)) if total else None


def children(said: HostStats) -> Iterator[Child]:
    """What its agent supervises, without the broker."""
    registered = {one.launch for one in said.report.instances if one.launch}
    for one in said.children:
        if one.key != BROKER:
            yield child(said.host, one, registered=one.launch in registered)


def child(host: str, one: host_pb2.ChildReport, *, registered: bool) -> Child:
    """One process; *registered*: it has become an instance."""
    return Child(
        key=one.key,
        package=full(one.package),
        host=host,
        state=one.state,
        state_s=one.age_s,
        failures=one.failures,
        crash_loops=one.crash_loops,
        why=one.why,
        registered=registered,
    )


def waiting(host: str, queues: Iterable[QueueReport]) -> Iterator[Waiting]:
    """A host's queues that somebody waits in or was refused by."""
    for one in queues:
        refused = {each.caller: each.refused for each in one.callers if each.refused}
        if one.queued or refused:
            yield Waiting(one.package, one.version, host, one.queued, refused, float(one.over_s))


def pools(reported: Iterable[PoolReport]) -> Iterator[Pool]:
    """How versions stand, as a broker sees them."""
    for one in reported:
        yield Pool(one.package, one.version, one.healthy, one.total, one.panic)


def alarms(host: str, register: RegisterReport) -> Iterator[Alarm]:
    """What a host's broker says of the register."""
    for one in register.alarms:
        yield Alarm(host, one.kind, one.path, one.since_s, one.sentence)


def changed(entry: Entry) -> Changed:
    """A change, by its audit entry."""
    paths = tuple(edit.path for edit in entry.edits)
    return Changed(entry.epoch, entry.at_s, paths, entry.author.actor, entry.sentence)
