"""The fleet as this host's broker sees it, for the guards of the conductor's plans. Pure.

It ends drains and avoids: what hosts get again is what counts, and demand is not asked for. A host is known as of now
when its broker answers ours; whoever the conductor has asked is as healthy as it said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.plan.situation import Fleet, Host, Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_agent.conductor.duties import HostHealth
    from h2o_agent.snapshot import Told
    from h2o_core.plan.situation import Decided

_ANSWERS: Final = {"self", "up"}


def fleet_of(told: Told | None, decided: Decided, healths: Mapping[str, HostHealth]) -> Fleet:
    """Nobody, when the broker has told nothing.

    An instance that gets nothing fails, unless that is because its host is drained.
    """
    if told is None:
        return Fleet()
    hosts: dict[str, Host] = {}
    instances: list[Instance] = []
    versions: dict[str, dict[str, None]] = {}
    for each in told.picture.hosts:
        answers = each.link in _ANSWERS or each.host in healths
        health = healths.get(each.host)
        hosts[each.host] = Host(
            each.host,
            each.zone,
            alive=each.link == "self" or each.register == "registered",
            age_s=told.age_s if answers else None,
            healthy=None if health is None else health.healthy,
        )
        for one in each.instances:
            failing = not one.routable and each.host not in decided.hosts
            instances.append(Instance(one.instance, one.package, one.version, each.host, one.slots, failing=failing))
            versions.setdefault(one.package, {})[one.version] = None
    known = {package: tuple(found) for package, found in versions.items()}
    return Fleet(hosts=hosts, instances=tuple(instances), versions=known)
