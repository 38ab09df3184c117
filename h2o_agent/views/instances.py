"""`/instances`: every instance of the host or the fleet, and the children that have not registered. Pure."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from h2o_agent.lifecycle import State, exit_text
from h2o_agent.snapshot import ended
from h2o_agent.views.head import Json, head, moment
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from h2o_agent.snapshot import ChildStatus, Snapshot, Told
    from h2o_core.pb.stats_pb2 import BrokerReport, HostPicture, InstancePicture, InstanceReport


def instances(snapshot: Snapshot, told: Told, *, fleet: bool) -> Json:
    """The answer: this host's instances, or with *fleet* everybody's."""
    rows = list(local_rows(snapshot, told))
    if fleet:
        for host in told.picture.hosts:
            if host.host != snapshot.host:
                rows.extend(_remote_row(host, instance) for instance in host.instances)
    rows.sort(key=lambda row: (row["package"], row["version"], row["host"], row["id"]))
    return {**head(snapshot, told), "instances": rows}


def local_rows(snapshot: Snapshot, told: Told) -> Iterator[Json]:
    """What is registered here, then what the agent has started and is not registered."""
    pictures = {
        one.instance: one for host in told.picture.hosts if host.host == snapshot.host for one in host.instances
    }
    children = {child.token: child for child in snapshot.children if child.token}
    queued = queue_shares(told.report)
    for report in told.report.instances:
        child = children.pop(report.launch, None) if report.launch else None
        yield _local_row(snapshot, report, pictures.get(report.instance), child, queued[report.instance])
    registered = {report.launch for report in told.report.instances}
    for child in snapshot.children:
        if not child.token or child.token not in registered:
            yield _child_row(snapshot, child)


def queue_shares(report: BrokerReport) -> dict[str, int]:
    """Instance id → its share of what waits for its version, so that the shares add up to what waits."""
    members: dict[tuple[str, str], list[str]] = defaultdict(list)
    for instance in report.instances:
        members[instance.package, instance.version].append(instance.instance)
    shares: dict[str, int] = {instance.instance: 0 for instance in report.instances}
    for queue in report.queues:
        ids = sorted(members[queue.package, queue.version])
        for at, instance_id in enumerate(ids):
            shares[instance_id] = queue.queued // len(ids) + (at < queue.queued % len(ids))
    return shares


def _local_row(
    snapshot: Snapshot,
    report: InstanceReport,
    picture: InstancePicture | None,
    child: ChildStatus | None,
    queued: int,
) -> Json:
    return {
        "id": report.instance,
        "package": shown(report.package),
        "version": report.version,
        "host": snapshot.host,
        "zone": snapshot.zone,
        "state": report.state,
        "routable": picture.routable if picture is not None else report.state == "ready",
        "why": _why(report, picture, child),
        "slots": report.slots,
        "in_flight": report.in_flight,
        "queued": queued,
        "started": moment(report.started_s),
        "pid": report.pid,
        "launch": child.key if child is not None else report.launch,
        "restarts": child.restarts if child is not None else None,
    }


def _why(report: InstanceReport, picture: InstancePicture | None, child: ChildStatus | None) -> str:
    if report.state == "suspect":
        return f"it has not answered for {report.pong_age_ms / 1000:.1f} s"
    if picture is not None and picture.why:
        return picture.why
    if child is not None and child.state is State.RECYCLING:
        return f"it is started again: {child.why}"
    if child is not None and child.state in {State.DRAINING, State.STOPPING}:
        return "it was told to leave"
    return ""


def child_state(child: ChildStatus) -> str:
    """How a child that is not registered stands, in the words of an instance's state."""
    match child.state:
        case State.BACKOFF | State.FAILED:
            return "backoff"
        case State.DRAINING | State.STOPPING | State.RECYCLING:
            return "leaving"
        case _:
            return "starting"


def child_why(child: ChildStatus) -> str:
    """Why a child is not registered."""
    if child.state in {State.BACKOFF, State.FAILED, State.WAITING}:
        return ended(child)
    if child.state is State.RECYCLING:
        return f"it is started again: {child.why}"
    if child.state in {State.DRAINING, State.STOPPING}:
        return f"told to leave {child.age_s:.1f} s ago"
    said = f"it runs, but has not been registered for {child.age_s:.1f} s"
    if child.failures:
        said = f"{said}; started again after {exit_text(child.last_exit)}"
    return said


def _child_row(snapshot: Snapshot, child: ChildStatus) -> Json:
    return {
        "id": "",
        "package": child.package,
        "version": "",
        "host": snapshot.host,
        "zone": snapshot.zone,
        "state": child_state(child),
        "routable": False,
        "why": child_why(child),
        "slots": None,
        "in_flight": None,
        "queued": None,
        "started": moment(child.started_s),
        "pid": child.pid or None,
        "launch": child.key,
        "restarts": child.restarts,
    }


def _remote_row(host: HostPicture, instance: InstancePicture) -> Json:
    return {
        "id": instance.instance,
        "package": shown(instance.package),
        "version": instance.version,
        "host": host.host,
        "zone": host.zone,
        "state": _remote_state(host, instance),
        "routable": instance.routable,
        "why": instance.why,
        "slots": instance.slots,
        "in_flight": None,
        "queued": None,
        "started": moment(instance.started_s),
        "pid": None,
        "launch": None,
        "restarts": None,
    }


def _remote_state(host: HostPicture, instance: InstancePicture) -> str:
    """Of another host's instance only its host's link is known: up means that its broker vouches for it."""
    if host.link == "suspect":
        return "suspect"
    return "ready" if instance.routable or host.link == "up" else "unknown"


def packages_here(snapshot: Snapshot, told: Told | None) -> set[str]:
    """What runs here or is meant to, as shown (``service/customer``)."""
    reports: Iterable[InstanceReport] = told.report.instances if told is not None else ()
    return {child.package for child in snapshot.children} | {shown(report.package) for report in reports}
