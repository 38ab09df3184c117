"""A host as the store knows it → its part of the picture that insights are drawn from. Pure.

The picture is put together host by host, so that nobody waits for the store for longer than one of them takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from h2o_console.feed.counters import known, parse_parts
from h2o_console.store.windows import Window, add_counts, covered_s
from h2o_core.insights import reports
from h2o_core.insights.comparing import FEWEST_HITS
from h2o_core.insights.counts import FAULTS, Counts
from h2o_core.insights.picture import Alarm, Call, Child, Host, Instance, Pool, Served, Waiting
from h2o_core.insights.pieces import Pieces
from h2o_core.insights.reports import full
from h2o_core.insights.sums import SILENT_S
from h2o_core.pb.stats_pb2 import PoolReport, QueueReport

if TYPE_CHECKING:
    from h2o_console.feed.answers import Instance as Listed
    from h2o_console.store.hosts import HostRecord
    from h2o_console.store.members import Member

_MOST_PARTS: Final = 4096


@dataclass(frozen=True, slots=True)
class HostPart:
    """All that a picture has of one host. `host` None: nobody has asked it yet. `served` also while it says nothing.

    `children` has those of whom there may be something to say.
    `calls` has all of its calls, or none when nothing is wrong with them and `thrifty` was asked for.
    """

    host: Host | None
    instances: tuple[Instance, ...] = ()
    children: tuple[Child, ...] = ()
    served: tuple[Served, ...] = ()
    calls: tuple[Call, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    pools: tuple[Pool, ...] = ()
    alarms: tuple[Alarm, ...] = ()

    @property
    def speaks(self) -> bool:
        """What is known of it is the present."""
        host = self.host
        return host is not None and not host.broker_problem and host.age_s is not None and host.age_s <= SILENT_S


def host_part(record: HostRecord, behind_s: float | None, now_s: float, *, thrifty: bool) -> HostPart:
    """*behind_s*: how long its broker is known to have been behind the newest epoch."""
    host = _host(record, behind_s, now_s)
    instances = tuple(_instances(record, now_s))
    served = tuple(_served(record, now_s))
    report = record.report
    if report is None or host is None or host.broker_problem:
        return HostPart(host, instances, tuple(_children(record)), served)
    return HostPart(
        host,
        instances,
        tuple(_children(record)),
        served,
        tuple(_calls(record, now_s)) if not thrifty or troubled(record, now_s) else (),
        tuple(reports.waiting(record.name, parse_parts(QueueReport, islice(report.queues, _MOST_PARTS)))),
        tuple(reports.pools(parse_parts(PoolReport, islice(report.pools, _MOST_PARTS)))),
        tuple(islice(reports.alarms(record.name, report.register), _MOST_PARTS)),
    )


# ---------------------------------------------------------------------- the host itself


def _host(record: HostRecord, behind_s: float | None, now_s: float) -> Host | None:
    seen, about, report = record.seen, record.about, record.report
    if about is None and not record.failed:
        return None
    zone, link, register = (seen.zone, seen.link, seen.register) if seen is not None else ("", "", "")
    if about is not None and not about.HasField("report") and record.answers:
        problem = about.broker_problem or "it does not answer its agent"
        return Host(record.name, zone, 0.0, link=link, broker_problem=problem, broker_crashes=record.broker_crashes)
    if report is None or about is None:
        return Host(record.name, zone, record.age_s(now_s), record.failed, link, register)
    silent_s = known(report.register.silent_s)
    return Host(
        name=record.name,
        zone=zone,
        age_s=_age_s(record, about.report_age_s, now_s),
        why=record.failed or (seen.why if seen is not None else ""),
        link=link,
        register=register,
        epoch=report.epoch,
        behind_s=behind_s,
        unapplied=tuple(islice(report.unapplied, _MOST_PARTS)),
        register_state=report.register.state,
        register_silent_s=silent_s,
        vitals=None if record.vitals is None else reports.vitals(record.vitals),
    )


def _age_s(record: HostRecord, report_age_s: float, now_s: float) -> float:
    """Who was asked and answered is not silent; who was not asked since says nothing either way."""
    age_s = record.age_s(now_s) or 0.0
    if record.failed or record.silent(now_s):
        return age_s
    return min(age_s, known(report_age_s) or 0.0)


# ---------------------------------------------------------------------- what runs there


def _instances(record: HostRecord, now_s: float) -> Iterator[Instance]:
    speaks = record.report is not None and not record.silent(now_s)
    clock_s = record.clock_s(now_s)
    for member in record.members.values():
        if member.report is not None:
            yield _member(member, record.listed.get(member.id), clock_s)
    for listed in record.listed.values():
        if listed.id in record.members:
            continue
        if not speaks:
            yield _listed(listed, known_there=None)
        elif not record.register.left(listed.id, now_s):
            unknown = record.register.unknown_there(listed.id, record.fresh_s)
            yield _listed(listed, known_there=False if unknown else None)


def _member(member: Member, listed: Listed | None, clock_s: float | None) -> Instance:
    report = member.report
    assert report is not None
    up_s = known(clock_s - report.started_s) if clock_s is not None and report.started_s else None
    return Instance(
        member.id,
        full(member.package),
        member.version,
        member.host,
        report.state or (listed.state if listed is not None else "unknown"),
        report.verdict,
        listed.routable if listed is not None else None,
        report.verdict_why or (listed.why if listed is not None else ""),
        up_s,
        report.slots,
        report.in_flight,
        known_there=True,
    )


def _listed(one: Listed, *, known_there: bool | None) -> Instance:
    return Instance(
        one.id,
        full(one.package),
        one.version,
        one.host,
        one.state,
        routable=one.routable,
        why=one.why,
        slots=one.slots,
        known_there=known_there,
    )


def _children(record: HostRecord) -> Iterator[Child]:
    for child, registered in record.children():
        if not registered or child.crash_loops:
            yield reports.child(record.name, child, registered=registered)


# ---------------------------------------------------------------------- what was counted


def _served(record: HostRecord, now_s: float) -> Iterator[Served]:
    windows: dict[tuple[str, str], list[Window]] = {key: list(former) for key, former in record.former.items()}
    for member in record.members.values():
        windows.setdefault((member.package, member.version), []).append(member.window)
    over_s = covered_s(record.counted_s, now_s)
    for (package, version), counted in windows.items():
        yield Served(full(package), version, record.name, counts_of(counted, over_s, now_s))


def counts_of(windows: list[Window], over_s: float, now_s: float) -> Counts:
    """Several windows together; their times are not added up, for few are looked at closely."""
    if len(windows) == 1:
        return Counts(windows[0].outcomes(now_s), Pieces(windows[0].pieces(now_s)), over_s)
    outcomes: dict[str, int] = {}
    for window in windows:
        add_counts(outcomes, window.outcomes(now_s))
    return Counts(outcomes, Pieces([piece for window in windows for piece in window.pieces(now_s)]), over_s)


def troubled(record: HostRecord, now_s: float) -> bool:
    """Its callers get failures, or call whom they may not: its calls are told apart from other hosts'."""
    outcomes = record.called.outcomes(now_s)
    failed = sum(count for code, count in outcomes.items() if code in FAULTS)
    return failed >= FEWEST_HITS or any(call.breaches.lately for call in record.calls.values())


def _calls(record: HostRecord, now_s: float) -> Iterator[Call]:
    over_s = covered_s(record.counted_s, now_s)
    for call in record.calls.values():
        outcomes = call.here.outcomes(now_s)
        if outcomes:
            counts = Counts(outcomes, Pieces(call.here.pieces(now_s)), over_s)
            breaches = call.breaches.since(now_s - over_s)
            yield Call(full(call.caller), call.version, full(call.feature), record.name, counts, breaches=breaches)
