"""Whom a request of a package may be given to: worked out when something changes, never for a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.members import Health, LocalInstance, Pool, RemoteInstance
from h2o_core.choice import Candidates
from h2o_core.routing import serving_versions

if TYPE_CHECKING:
    from h2o_core.control import NewVersions
    from h2o_core.envelope import RouteWish

UNREGISTERED_ORDER: Final = 1 << 63
"""The order of a version that ZooKeeper has not numbered yet: after all that it has."""


def host_of(member: LocalInstance | RemoteInstance, own_host: str) -> str:
    """Where it runs."""
    return member.peer.host if isinstance(member, RemoteInstance) else own_host


def rebuild(pool: Pool, new_versions: NewVersions) -> None:
    """Work out the candidates anew, after any change of members or of their health.

    Suspects are candidates only when nobody better is left: a request that waits may still succeed.
    """
    present = {
        version: pool.order.get(version, UNREGISTERED_ORDER)
        for version in (*pool.local, *pool.remote)
        if _members(pool, version, Health.READY) or _members(pool, version, Health.SUSPECT)
    }
    serving = serving_versions(present, new_versions)
    for health in (Health.READY, Health.SUSPECT):
        pool.candidates = Candidates(member for version in serving for member in _members(pool, version, health))
        if pool.candidates:
            return


def wished(pool: Pool, wish: RouteWish, own_host: str) -> list[LocalInstance | RemoteInstance]:
    """Those that *wish* allows, of versions without traffic too; suspects when nobody better is left."""
    versions = (wish.version,) if wish.version else (*pool.local, *pool.remote)
    for health in (Health.READY, Health.SUSPECT):
        members = [member for version in dict.fromkeys(versions) for member in _members(pool, version, health)]
        fitting = [
            member
            for member in members
            if wish.instance in {"", member.id} and wish.host in {"", host_of(member, own_host)}
        ]
        if fitting:
            return fitting
    return []


def _members(pool: Pool, version: str, health: Health) -> list[LocalInstance | RemoteInstance]:
    here = pool.local.get(version)
    members: list[LocalInstance | RemoteInstance] = []
    if here is not None:
        members.extend(instance for instance in here.instances if instance.health is health)
    members.extend(instance for instance in pool.remote.get(version, ()) if instance.peer.health is health)
    return members
