"""How this broker chooses, told: the rules of `origin` asked without dice, and without sending anything. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.members import RemoteInstance
from h2o_broker.pools import host_of, unknown_feature, version_of
from h2o_broker.reasons import why_not
from h2o_core.assignment import How, assign
from h2o_core.baggage import assigned_version
from h2o_core.choice import NEW_FOR_NS, chances, inclusion
from h2o_core.control.settings import TierRule
from h2o_core.control.traffic import WHOLE
from h2o_core.errors import Code
from h2o_core.names import OPERATOR, tier_breach
from h2o_core.pb.explain_pb2 import Considered, Explanation, VersionShare

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_broker.members import LocalInstance, Pool
    from h2o_broker.switch import Switch
    from h2o_core.assignment import CompiledTraffic
    from h2o_core.choice import Candidates
    from h2o_core.pb.explain_pb2 import Question

_MS: Final = 1e6
_PLACES: Final = ("host", "zone", "elsewhere")
Odds = dict[str, float]
"""Version → how probable it is that such a request gets it."""


def explain(switch: Switch, question: Question, zone: str, now: int, carried: bytes = b"") -> Explanation:
    """Where such a request of one of this host's clients would go at *now* (monotonic ns), and why nowhere else.

    *zone* is this host's, *carried* the versions that its request tree has (field 6 of docs/wire.md). A feature that is
    not known, a call against the tier rules, nobody to take it: `code` and `sentence` are what its caller would get.
    """
    told = Explanation(
        feature=question.feature,
        caller=question.caller or OPERATOR,
        sticky_key=question.sticky_key,
        rule=-1,
        bucket=-1,
    )
    pool = switch.features.get(question.feature.encode())
    if pool is None:
        code, told.sentence = unknown_feature(question.feature, switch.pools)
        told.code = code.name
        return told
    told.package = pool.package
    if breach := tier_breach(told.caller, pool.package):
        if switch.origin.tiers is TierRule.ENFORCE:
            told.code, told.sentence = Code.FORBIDDEN.name, breach
            return told
        told.warning = f"{breach}; the fleet's tier rules only warn"
    odds = _decide(told, pool, question, carried)
    _consider(told, switch, pool, odds, zone, now)
    if not any(one.eligible for one in told.candidates):
        told.code, told.sentence = Code.NO_ROUTE.name, f"no instance of {pool.package[1:]} can take it"
    return told


def _decide(told: Explanation, pool: Pool, question: Question, carried: bytes) -> Odds:
    """Fill in what decides about the version; without a version all of them compete by load, or dice decide."""
    traffic = pool.traffic
    if traffic is None:
        serving = sorted({version_of(one) for one in pool.candidates})
        told.how = (How.HOLD if len(serving) == 1 and len(_versions(pool)) > 1 else How.SHARE).value
        told.version = serving[0] if len(serving) == 1 else ""
        return dict.fromkeys(serving, 1.0)
    key = question.sticky_key.encode()
    present = pool.by_version
    assigned = assign(
        traffic,
        present,
        caller=told.caller,
        headers=question.headers,
        key=key,
        carried=assigned_version(carried, pool.assignment_key),
        dice=_first,
    )
    told.how, told.rule, told.bucket = assigned.how.value, assigned.rule, assigned.bucket
    if key or assigned.rule >= 0 or assigned.how in {How.WHOLE, How.CARRIED}:
        told.version, told.broken = assigned.version, assigned.broken
        return {told.version: 1.0}
    told.how = How.RANDOM.value
    return _by_weight(traffic, present)


def _first() -> float:
    """No dice are thrown for what is only told; who has no key is told the odds of all."""
    return 0.0


def _by_weight(traffic: CompiledTraffic, present: Iterable[str]) -> Odds:
    """What dice would give: a version without instances leaves its part to the stable one."""
    odds: Odds = {}
    for version, parts in traffic.document.weights:
        if parts:
            gets = version if version in present else traffic.document.stable
            odds[gets] = odds.get(gets, 0.0) + parts / WHOLE
    return odds


def _consider(told: Explanation, switch: Switch, pool: Pool, odds: Odds, zone: str, now: int) -> None:
    """Fill in the versions and everybody who is of them, with the chance of each."""
    chance: dict[int, float] = {}
    if pool.traffic is None:
        _add(chance, pool.candidates, 1.0, now)
    else:
        for version, part in odds.items():
            if version in pool.by_version:
                _add(chance, pool.by_version[version], part, now)
    gradual = pool.candidates.gradual(now)
    members = list(everybody(pool))
    for one in members:
        told.candidates.append(_considered(switch, pool, one, chance.get(id(one)), zone, now, gradual=gradual))
    weights: Mapping[str, int] = dict(pool.traffic.document.weights) if pool.traffic is not None else {}
    for version in sorted({*_versions(pool), *weights}):
        of_it = [one for one in told.candidates if one.version == version]
        told.versions.append(
            VersionShare(
                version=version,
                weight=weights.get(version, 0),
                chance=sum(one.chance for one in of_it),
                instances=len(of_it),
                candidates=sum(one.eligible for one in of_it),
            )
        )


def _add(
    chance: dict[int, float], candidates: Candidates[LocalInstance | RemoteInstance], part: float, now: int
) -> None:
    for one, odds in zip(candidates, chances(candidates, now), strict=True) if candidates else ():
        chance[id(one)] = chance.get(id(one), 0.0) + part * odds


def _considered(
    switch: Switch,
    pool: Pool,
    member: LocalInstance | RemoteInstance,
    chance: float | None,
    zone: str,
    now: int,
    *,
    gradual: bool,
) -> Considered:
    why = why_not(switch, pool, member)
    if chance is None and not why:
        why = "such a request gets another version"
    host = host_of(member, switch.host)
    return Considered(
        instance=member.id,
        version=version_of(member),
        host=host,
        zone=member.peer.zone if isinstance(member, RemoteInstance) else zone,
        eligible=chance is not None,
        why=why,
        chance=chance or 0.0,
        load_ms=member.load.value(member.pending, now) / _MS,
        latency_ms=member.load.latency_ns(now) / _MS,
        success=member.load.share(now),
        pending=member.pending,
        slots=member.slots,
        inclusion=inclusion(member.since_ns, now) if gradual and now - member.since_ns < NEW_FOR_NS else 1.0,
        place=_PLACES[member.place],
    )


def everybody(pool: Pool) -> Iterable[LocalInstance | RemoteInstance]:
    """Its instances on all hosts, whatever state they are in."""
    for version in pool.local.values():
        yield from version.instances
    for remote in pool.remote.values():
        yield from remote


def _versions(pool: Pool) -> set[str]:
    return {*pool.local, *(version for version, members in pool.remote.items() if members)}
