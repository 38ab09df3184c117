"""Whom a request of a package may be given to: worked out when something changes, never for a request. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from h2o_broker.members import Fit, Health, LocalInstance, RemoteInstance
from h2o_core.choice import Candidates
from h2o_core.control.hosts import HostState
from h2o_core.errors import Code
from h2o_core.health import OUT, UNKNOWN_SHARE, Verdict, honoured, panics
from h2o_core.names import package_of
from h2o_core.routing import serving_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from h2o_broker.members import Pool
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.settings import NewVersions
    from h2o_core.envelope import RouteWish

UNREGISTERED_ORDER: Final = 1 << 63
"""The order of a version that ZooKeeper has not numbered yet: after all that it has."""

Member: TypeAlias = "LocalInstance | RemoteInstance"
_LIVING: Final = frozenset((Health.READY, Health.SUSPECT))
_NOBODY: Final[frozenset[str]] = frozenset()


def host_of(member: Member, own_host: str) -> str:
    """Where it runs."""
    return member.peer.host if isinstance(member, RemoteInstance) else own_host


def version_of(member: Member) -> str:
    """Which version it is of."""
    return member.version if isinstance(member, RemoteInstance) else member.version.spec.version


def health_of(member: Member) -> Health:
    """Whether it speaks: an instance of this host to its broker, another host's broker to this one."""
    return member.peer.health if isinstance(member, RemoteInstance) else member.health


def is_drained(hosts: Mapping[str, HostControl], host: str) -> bool:
    """Nothing new goes there."""
    control = hosts.get(host)
    return control is not None and control.state is HostState.DRAIN


def is_on(pool: Pool, host: str, own_host: str) -> bool:
    """It has an instance on that host."""
    if host == own_host:
        return bool(pool.local)
    return any(one.peer.host == host for members in pool.remote.values() for one in members)


# ---------------------------------------------------------------------- how they stand


def out_of(members: Iterable[Member]) -> list[str]:
    """Ids of those whose broker says that they are out."""
    return [one.id for one in members if one.verdict in OUT]


def shares_of(members: Iterable[Member]) -> list[float]:
    """Their shares of successes, for the median; what is not known counts as success."""
    shares = (one.share if isinstance(one, RemoteInstance) else one.standing.share for one in members)
    return [UNKNOWN_SHARE if share is None else share for share in shares]


def is_fit(member: Member, left_out: frozenset[str]) -> bool:
    """By its verdict, whether or not it speaks."""
    return not member.verdict or (member.verdict is not Verdict.CHECK_FAILING and member.id not in left_out)


def fit(members: list[Member], left_out: frozenset[str]) -> Fit:
    """Whom of *members*, who compete for the same requests, to choose from.

    Suspects count as unwell, and are chosen only when nobody else is left (a request that waits may still succeed).
    Panic brings back those whose answers or checks are bad, not those that give none (decision 0020).
    """
    speaking = [one for one in members if health_of(one) is Health.READY]
    healthy = [one for one in speaking if is_fit(one, left_out)]
    probes = [one for one in speaking if one.verdict is Verdict.PROBING]
    panic = panics(len(healthy), len(members))
    chosen = speaking if panic else healthy
    return Fit(chosen or members, probes, len(healthy), len(members), panic)


# ---------------------------------------------------------------------- candidates


def unknown_feature(name: str, pools: Mapping[str, Pool]) -> tuple[Code, str]:
    """What is said of a feature that no pool has."""
    package = package_of(name)
    pool = pools.get(package)
    if pool is None:
        return Code.NO_ROUTE, "no package of that name was ever registered"
    for version in pool.remote:
        if version not in pool.order:  # in the register, and its manifest is still being read
            return Code.UNAVAILABLE, f"this broker does not know yet what {package[1:]} {version} has"
    return Code.NOT_FOUND, f"{package[1:]} has no feature of that name"


def rebuild(pool: Pool, new_versions: NewVersions, hosts: Mapping[str, HostControl], own_host: str) -> None:
    """Work out the candidates anew, after any change of members, health or verdicts, or of what operators decided.

    Nobody of a drained host; of an avoided one only when none of the others is healthy; then as `fit` says.
    """
    crowds = pool.crowds = _crowds(pool, hosts, own_host)
    pool.left_out = _left_out(crowds.values())

    def stand(members: list[Member]) -> Fit:
        usual = [one for one in members if host_of(one, own_host) not in hosts] if hosts else members
        best = fit(usual, pool.left_out)
        return best if best.healthy or len(usual) == len(members) else fit(members, pool.left_out)

    alone = {version: stand(members) for version, members in crowds.items()}
    traffic = pool.traffic
    if traffic is None:
        together = _together(pool, new_versions, alone, stand)
        reached = [together]
        pool.by_version = {}
    else:
        pool.fits = alone
        within = {version: one for version, one in alone.items() if version in traffic.reached}
        reached = list(within.values())
        pool.by_version = {version: Candidates(one.chosen) for version, one in within.items()}
    pool.candidates = Candidates(member for one in reached for member in one.chosen)
    _want(pool, [member for one in reached for member in one.probes])
    for version, local in pool.local.items():
        panic = version in alone and alone[version].panic
        local.alive = [one for one in local.instances if one.health is Health.READY]
        local.ready = [one for one in local.alive if panic or is_fit(one, pool.left_out)]
    _count_panics(pool)


def _crowds(pool: Pool, hosts: Mapping[str, HostControl], own_host: str) -> dict[str, list[Member]]:
    crowds: dict[str, list[Member]] = {}
    if not is_drained(hosts, own_host):
        for version, local in pool.local.items():
            crowds[version] = [one for one in local.instances if one.health in _LIVING]
    for version, remote in pool.remote.items():
        crowds.setdefault(version, []).extend(
            one for one in remote if one.peer.health in _LIVING and not is_drained(hosts, one.peer.host)
        )
    return {version: members for version, members in crowds.items() if members}


def _left_out(crowds: Iterable[list[Member]]) -> frozenset[str]:
    left_out = _NOBODY
    for members in crowds:
        out = out_of(members)
        if out:
            left_out |= honoured(out, len(members))
    return left_out


def _together(
    pool: Pool, new_versions: NewVersions, alone: dict[str, Fit], stand: Callable[[list[Member]], Fit]
) -> Fit:
    """Without a traffic document the versions that serve compete with one another."""
    serving = serving_versions({one: pool.order.get(one, UNREGISTERED_ORDER) for one in alone}, new_versions)
    together = (
        alone[serving[0]] if len(serving) == 1 else stand([one for version in serving for one in pool.crowds[version]])
    )
    pool.fits = {**alone, **dict.fromkeys(serving, together)}
    return together


def _want(pool: Pool, probes: list[Member]) -> None:
    """Who begins to want a probe is offered at once; who was tried already when a few hundred ms are over."""
    if probes or pool.wanting:
        pool.probes = [one for one in probes if one in pool.probes or one not in pool.wanting]
        pool.wanting = probes


def _count_panics(pool: Pool) -> None:
    """Each time that a version comes into panic counts once."""
    panicking = {version for version, one in pool.fits.items() if one.panic}
    for version in panicking - pool.panicking:
        pool.panics[version] = pool.panics.get(version, 0) + 1
    pool.panicking = panicking


def wished(pool: Pool, wish: RouteWish, hosts: Mapping[str, HostControl], own_host: str) -> list[Member]:
    """Those that *wish* allows, of versions without traffic too; who is not fit only when nobody better is left.

    An instance that is named gets it on a drained host too; one that is only of the right host or version does not.
    """
    versions = (wish.version,) if wish.version else (*pool.local, *pool.remote)
    fitting = [
        member
        for version in dict.fromkeys(versions)
        for member in _living(pool, version)
        if wish.instance in {"", member.id}
        and wish.host in {"", host_of(member, own_host)}
        and (wish.instance or not is_drained(hosts, host_of(member, own_host)))
    ]
    speaking = [one for one in fitting if health_of(one) is Health.READY]
    return [one for one in speaking if is_fit(one, pool.left_out)] or speaking or fitting


def _living(pool: Pool, version: str) -> list[Member]:
    here = pool.local.get(version)
    members: list[Member] = []
    if here is not None:
        members.extend(one for one in here.instances if one.health in _LIVING)
    members.extend(one for one in pool.remote.get(version, ()) if one.peer.health in _LIVING)
    return members
