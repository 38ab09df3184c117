"""Whom a request of a package may be given to: worked out when something changes, never for a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_broker.members import Health, RemoteInstance
from h2o_core.choice import Candidates
from h2o_core.control import HostState
from h2o_core.routing import serving_versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_broker.members import LocalInstance, Pool
    from h2o_core.control import HostControl, NewVersions
    from h2o_core.envelope import RouteWish

UNREGISTERED_ORDER: Final = 1 << 63
"""The order of a version that ZooKeeper has not numbered yet: after all that it has."""

_Members: TypeAlias = "list[LocalInstance | RemoteInstance]"


def host_of(member: LocalInstance | RemoteInstance, own_host: str) -> str:
    """Where it runs."""
    return member.peer.host if isinstance(member, RemoteInstance) else own_host


def version_of(member: LocalInstance | RemoteInstance) -> str:
    """Its version, wherever it runs."""
    return member.version if isinstance(member, RemoteInstance) else member.version.spec.version


def is_drained(hosts: Mapping[str, HostControl], host: str) -> bool:
    """Nothing new goes there."""
    control = hosts.get(host)
    return control is not None and control.state is HostState.DRAIN


def is_on(pool: Pool, host: str, own_host: str) -> bool:
    """It has an instance on that host."""
    if host == own_host:
        return bool(pool.local)
    return any(one.peer.host == host for members in pool.remote.values() for one in members)


def rebuild(pool: Pool, new_versions: NewVersions, hosts: Mapping[str, HostControl], own_host: str) -> None:
    """Work out the candidates anew, after any change of members, of their health, or of what operators decided.

    Nobody of a drained host. Of each group, or version, those that stand best: hosts that are avoided only when
    nobody else is left, suspects only when nobody better is: a request that waits may still succeed.
    """
    ranked = {version: _ranked(pool, version, hosts, own_host) for version in {**pool.local, **pool.remote}}
    present = {version: pool.order.get(version, UNREGISTERED_ORDER) for version in ranked if any(ranked[version])}
    traffic = pool.traffic
    if traffic is None:
        pool.by_version = {}
        serving = serving_versions(present, new_versions)
        pool.candidates = Candidates(_best([ranked[version] for version in serving]))
        return
    pool.by_version = {version: Candidates(_best([ranked[version]])) for version in present}
    reached = [members for version, members in pool.by_version.items() if version in traffic.reached]
    pool.candidates = Candidates(member for members in reached for member in members)


def _ranked(pool: Pool, version: str, hosts: Mapping[str, HostControl], own_host: str) -> list[_Members]:
    """A version's members, the best first: well; on an avoided host; suspect; both."""
    ranks: list[_Members] = [[], [], [], []]
    for at, health in ((0, Health.READY), (2, Health.SUSPECT)):
        for member in _members(pool, version, health):
            control = hosts.get(host_of(member, own_host))
            if control is None:
                ranks[at].append(member)
            elif control.state is HostState.AVOID:
                ranks[at + 1].append(member)
    return ranks


def _best(versions: list[list[_Members]]) -> _Members:
    """Of several versions together the highest rank that somebody has."""
    for rank in range(4):
        members = [member for ranks in versions for member in ranks[rank]]
        if members:
            return members
    return []


def wished(pool: Pool, wish: RouteWish, hosts: Mapping[str, HostControl], own_host: str) -> _Members:
    """Those that *wish* allows, of versions without traffic too; suspects when nobody better is left.

    An instance that is named gets it on a drained host too; one that is only of the right host or version does not.
    """
    versions = (wish.version,) if wish.version else (*pool.local, *pool.remote)
    for health in (Health.READY, Health.SUSPECT):
        members = [member for version in dict.fromkeys(versions) for member in _members(pool, version, health)]
        fitting = [
            member
            for member in members
            if wish.instance in {"", member.id}
            and wish.host in {"", host_of(member, own_host)}
            and (wish.instance or not is_drained(hosts, host_of(member, own_host)))
        ]
        if fitting:
            return fitting
    return []


def _members(pool: Pool, version: str, health: Health) -> _Members:
    here = pool.local.get(version)
    members: _Members = []
    if here is not None:
        members.extend(instance for instance in here.instances if instance.health is health)
    members.extend(instance for instance in pool.remote.get(version, ()) if instance.peer.health is health)
    return members
