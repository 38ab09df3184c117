"""`/features` and `/hosts`: what can be called, and the hosts as this one's broker sees them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.views.conducting import leader_of
from h2o_agent.views.head import Json, head, hexadecimal, milliseconds, moment
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_agent.snapshot import Snapshot, Told
    from h2o_core.pb.stats_pb2 import HostPicture


def features(snapshot: Snapshot, told: Told, *, fleet: bool) -> Json:
    """The features of what is registered here, or with *fleet* of all that was ever registered."""
    here = {(instance.package, instance.version) for instance in told.report.instances}
    rows = [
        {
            "name": shown(feature.name),
            "package": shown(manifest.package),
            "version": manifest.version,
            "request_type": feature.request_type,
            "reply_type": feature.reply_type,
            "idempotent": feature.idempotent,
            "mean_ms": milliseconds(feature.mean_ms),
            "upper95_ms": milliseconds(feature.upper95_ms),
        }
        for manifest in told.picture.manifests
        if fleet or (manifest.package, manifest.version) in here
        for feature in manifest.features
    ]
    rows.sort(key=lambda row: (row["name"], row["version"]))
    return {**head(snapshot, told), "features": rows}


def hosts(snapshot: Snapshot, told: Told) -> Json:
    """The broker's hosts, and those whose agent alone is in the register (link ``absent``)."""
    rtts_ms = {peer.host: peer.rtt_ms for peer in told.report.peers if peer.rtt_ms > 0}
    rows = [_host_row(host, snapshot.agents, rtts_ms.get(host.host)) for host in told.picture.hosts]
    known = {host.host for host in told.picture.hosts}
    rows.extend(_agent_only(host, agent) for host, agent in snapshot.agents.items() if host not in known)
    rows.sort(key=lambda row: row["host"])
    leader = leader_of(snapshot)
    for row in rows:
        row["conducts"] = row["host"] == leader
    return {**head(snapshot, told), "alarms": alarms(told), "hosts": rows}


def alarms(told: Told) -> list[Json]:
    """What is wrong with the register, the oldest first."""
    return [
        {"kind": one.kind, "path": one.path, "since": moment(one.since_s), "what": one.sentence}
        for one in told.report.register.alarms
    ]


def _host_row(host: HostPicture, agents: Mapping[str, str], rtt_ms: float | None) -> Json:
    return {
        "host": host.host,
        "zone": host.zone,
        "address": host.address,
        "incarnation": hexadecimal(host.incarnation),
        "link": host.link,
        "why": host.why,
        "register": host.register or None,
        "rtt_ms": None if rtt_ms is None else milliseconds(rtt_ms),
        "agent": agents.get(host.host),
        "instances": len(host.instances),
        "labels": dict(sorted(host.labels.items())),
    }


def _agent_only(host: str, agent: str) -> Json:
    return {
        "host": host,
        "zone": "",
        "address": None,
        "incarnation": None,
        "link": "absent",
        "why": "",
        "register": None,
        "rtt_ms": None,
        "agent": agent,
        "instances": 0,
        "labels": {},
    }
