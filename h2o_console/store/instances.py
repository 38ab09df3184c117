"""Instances as they are shown: one line of a list, and one in full. Pure."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple

from h2o_console.feed.counters import known, parse_part
from h2o_console.store.pace import line_of
from h2o_console.store.views import (
    CheckView,
    ChildView,
    FeatureView,
    InstanceCounts,
    InstanceDetail,
    InstanceView,
    is_ready,
)
from h2o_console.store.windows import NO_TIMES, quantile_line
from h2o_core.health import IN_SPITE
from h2o_core.names import shown
from h2o_core.pb.registration_pb2 import Check, Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from h2o_console.feed.answers import Instance
    from h2o_console.feed.counters import Promise
    from h2o_console.store.hosts import HostRecord
    from h2o_console.store.members import Endpoint, Member
    from h2o_core.pb.host_pb2 import ChildReport


_MOST_CHECKS: Final = 256


class Here(NamedTuple):
    """A package's instances on one host."""

    host: HostRecord
    silent: bool
    members: list[Member]


def instance_view(member: Member, host: HostRecord, now_s: float) -> InstanceView:
    """As it was shown last, while nothing about it has changed."""
    silent = host.silent(now_s) or _uncounted(member)
    shown_last = member.view
    if shown_last is not None and shown_last.silent == silent and (shown_last.rps is not None or silent):
        return shown_last
    view = member.view = _made(member, host, now_s, silent=silent)
    return view


def _uncounted(member: Member) -> bool:
    return member.report is None and bool(member.id)


def _listed(member: Member, host: HostRecord) -> Instance | None:
    return host.listed.get(member.id) or member.listed


def _routable(member: Member, listed: Instance | None) -> bool | None:
    return listed.routable if listed else False if not member.id else None


def _per_s(member: Member, now_s: float) -> float | None:
    """As it was shown last, while nothing was counted since."""
    if member.rps is None:
        member.rps = member.pace.per_s(now_s)
    return member.rps


def counted(places: Iterable[Here], now_s: float) -> tuple[InstanceCounts, float | None]:
    """What a row says of a package's instances, and the requests/s of all of them (None: not known of any).

    A view is made of the first troubled one and the first unwell one alone.
    """
    total = ready = silent = slots = in_flight = queued = troubled = unwell = 0
    first_troubled: InstanceView | None = None
    first_unwell: InstanceView | None = None
    versions: dict[str, None] = {}
    rates: list[float] = []
    for host, host_silent, members in places:
        total += len(members)
        for member in members:  # thousands at once: what is asked of each is asked without a call where that can be
            report, listed = member.report, host.listed.get(member.id) or member.listed
            unknown = host_silent or (report is None and _uncounted(member))
            silent += unknown
            versions[member.version] = None
            if not unknown:
                if (rps := member.rps if member.rps is not None else _per_s(member, now_s)) is not None:
                    rates.append(rps)
                if report is not None and (of_it := report.slots):
                    slots += of_it
                    in_flight += report.in_flight
                    queued += host.queued.get(member.id) or 0
            state = report.state if report is not None else _state(member, listed.state if listed else "unknown")
            if is_ready(state, _routable(member, listed)):
                ready += 1
                if listed is not None and listed.why and _why(member, listed.why).startswith(IN_SPITE):
                    unwell += 1
                    first_unwell = first_unwell or instance_view(member, host, now_s)
            elif not unknown:
                troubled += 1
                first_troubled = first_troubled or instance_view(member, host, now_s)
    counts = InstanceCounts(
        total, ready, silent, tuple(versions), slots, in_flight, queued, troubled, first_troubled, unwell, first_unwell
    )
    return counts, sum(rates) if rates else None


def _made(member: Member, host: HostRecord, now_s: float, *, silent: bool) -> InstanceView:
    report, child = member.report, member.child
    listed = _listed(member, host)
    clock_s = host.clock_s(now_s)
    return InstanceView(
        id=member.id,
        version=member.version,
        host=host.name,
        zone=member.zone,
        state=_state(member, listed.state if listed else "unknown"),
        why=_why(member, listed.why if listed else ""),
        routable=_routable(member, listed),
        slots=report.slots if report is not None else listed.slots if listed else None,
        in_flight=report.in_flight if report is not None and not silent else None,
        queued=host.queued.get(member.id) if report is not None and not silent else None,
        up_s=known(clock_s - report.started_s) if report is not None and clock_s is not None else None,
        rps=None if silent else _per_s(member, now_s),
        outcomes={} if silent else member.window.outcomes(now_s),
        silent=silent,
        package=member.package,
        pid=(report.pid if report is not None else child.pid if child is not None else 0) or None,
        child=None if child is None else child_view(child, clock_s),
    )


def _state(member: Member, listed: str) -> str:
    if member.report is not None:
        return member.report.state or "unknown"
    return _CHILD_STATES.get(member.child.state, "starting") if member.child is not None else listed


_CHILD_STATES: Final = {"backoff": "backoff", "failed": "backoff", "draining": "leaving", "stopping": "leaving"}
"""A child that is not registered, in the words of an instance's state."""


def _why(member: Member, listed: str) -> str:
    child = member.child
    if member.id:
        leaving = child is not None and _CHILD_STATES.get(child.state) == "leaving"
        return listed or ("it was told to leave" if leaving else "")
    return listed if child is None else child_why(child)


def child_why(child: ChildReport) -> str:
    """Why a child is not registered."""
    state = _CHILD_STATES.get(child.state, "starting")
    if child.state == "waiting":
        return "it waits for the broker"
    if state == "leaving":
        return f"told to leave {child.age_s:.0f} s ago"
    if state != "backoff":
        return f"it runs, but has not been registered for {child.age_s:.0f} s"
    said = child.why if child.state == "failed" else _ended(child)
    return f"{said}; again in {child.due_in_s:.0f} s" if (known(child.due_in_s) is not None) else said


def _ended(child: ChildReport) -> str:
    said = exit_text(child) or "it ended"
    if child.failures > 1:
        said = f"{said}, {child.failures} times in a row"
    if child.crash_loops:
        said = f"crash loop: {said}"
    return f"{said} ({child.why})" if child.why else said


def exit_text(child: ChildReport) -> str:
    """How its last process ended; "" when none has."""
    if not child.exited:
        return ""
    if not child.last_exit_known:
        return "an unknown exit code"
    return f"signal {-child.last_exit}" if child.last_exit < 0 else f"exit code {child.last_exit}"


def child_view(child: ChildReport, clock_s: float | None) -> ChildView:
    """*clock_s*: what its host's clock shows."""
    return ChildView(
        key=child.key,
        state=child.state,
        pid=child.pid or None,
        up_s=_since(clock_s, child.started_s),
        due_in_s=known(child.due_in_s),
        failures=child.failures,
        restarts=child.restarts,
        exit=exit_text(child),
        exit_age_s=_since(clock_s, child.last_exit_s),
        why=child.why,
        crash_loops=child.crash_loops,
        cpu_pct=known(child.cpu_pct) if child.pid else None,
        rss_bytes=child.rss_bytes or None,
    )


def _since(clock_s: float | None, then_s: float) -> float | None:
    return known(clock_s - then_s) if clock_s is not None and then_s > 0 else None


def instance_detail(
    member: Member, host: HostRecord, promises: Mapping[tuple[str, str], Promise], now_s: float
) -> InstanceDetail:
    """One instance in full; *promises* by version and feature. Its features are watched from the first call on."""
    view, report = instance_view(member, host, now_s), member.report
    times = NO_TIMES if view.silent else member.window.times(now_s)
    heartbeat = parse_part(Heartbeat, report.heartbeat) if report is not None and report.HasField("heartbeat") else None
    age_s = host.age_s(now_s) or 0.0
    member.watch(now_s)
    return InstanceDetail(
        instance=replace(view, p50_ms=times.p50_ms, p95_ms=times.p95_ms),
        features=() if view.silent else _features(member, host, promises, now_s),
        checks=_checks(heartbeat, host.clock_s(now_s)) if heartbeat is not None else (),
        executing=heartbeat.executing if heartbeat is not None else None,
        heartbeat_age_s=_aged(report.heartbeat_age_ms, age_s) if heartbeat is not None and report is not None else None,
        pong_age_s=_aged(report.pong_age_ms, age_s) if report is not None else None,
        watched_s=now_s - (member.watched_s or now_s),
        rps_line=line_of([member.pace], now_s),
        p95_line=quantile_line([member.window], 0.95, now_s, {}),
    )


def _aged(age_ms: float, more_s: float) -> float | None:
    said = known(age_ms)
    return None if said is None else said / 1e3 + more_s


def _features(
    member: Member, host: HostRecord, promises: Mapping[tuple[str, str], Promise], now_s: float
) -> tuple[FeatureView, ...]:
    return tuple(
        _feature(member, host, endpoint, promises.get((member.version, shown(name))), now_s)
        for name, endpoint in sorted(member.endpoints.items())
    )


def _feature(
    member: Member, host: HostRecord, endpoint: Endpoint, promise: Promise | None, now_s: float
) -> FeatureView:
    name, window, clock_s = shown(endpoint.wire_name), endpoint.window, host.clock_s(now_s)
    error = member.errors.get(name)
    times = window.times(now_s) if window is not None else NO_TIMES
    return FeatureView(
        feature=name,
        version=member.version,
        outcomes=window.outcomes(now_s) if window is not None else {},
        p50_ms=times.p50_ms,
        p95_ms=times.p95_ms,
        mean_ms=promise.mean_ms if promise else None,
        upper95_ms=promise.upper95_ms if promise else None,
        last_error=error.text if error else "",
        error_age_s=clock_s - error.at_s if error and clock_s is not None else None,
        package=member.package,
        measured_mean_ms=times.mean_ms,
        instances=1,
    )


def _checks(heartbeat: Heartbeat, clock_s: float | None) -> tuple[CheckView, ...]:
    return tuple(
        CheckView(
            name=check.name,
            status=_word(Check.Status.Name, check.status),
            severity=_word(Check.Severity.Name, check.severity).upper(),
            output=check.output,
            observed=check.observed if isfinite(check.observed) else None,
            unit=check.unit,
            age_s=_since(clock_s, check.time_s),
        )
        for check in islice(heartbeat.checks, _MOST_CHECKS)
    )


def _word(name: Callable[[int], str], value: int) -> str:
    """An enum's name; a newer package's keeps its number."""
    try:
        return name(value).lower()
    except ValueError:
        return str(value)
