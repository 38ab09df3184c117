"""Small fleets to plan for: three hosts with two packages, and what may be wrong with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from h2o_core.audit import Author
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.control.settings import FleetSettings, NewVersions, encode_settings
from h2o_core.control.traffic import MatchRule, Traffic, encode_traffic
from h2o_core.names import dotted
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Decided, Demand, Fleet, Host, Instance, Situation, decided_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan

NOW_S = 1_764_288_000.0
ADA = Author("ada@desk", "a test on desk", "because")
BOB = Author("bob@desk", "a test on desk")
A, B = "/service/a", "/service/b"


def running(package: str, version: str, host: str, slots: int = 10, *, ready: bool = True, failing: bool = False):
    """One instance there, called after all of that."""
    return Instance(f"{package[9:]}-{version}-{host}", package, version, host, slots, ready, failing)


def three_hosts(*more: Instance) -> Fleet:
    """Hosts 1 to 3 in zone z1, `service/a` 1.0 on each with 10 slots; 9 of the 30 are busy, 300 requests/s.

    *more* instances are idle.
    """
    instances = (*(running(A, "1.0", f"host-{number}") for number in (1, 2, 3)), *more)
    versions: dict[str, tuple[str, ...]] = {}
    for one in instances:
        versions[one.package] = tuple(dict.fromkeys((*versions.get(one.package, ()), one.version)))
    return Fleet(
        hosts={f"host-{number}": Host(f"host-{number}", "z1", age_s=1.0, healthy=True) for number in (1, 2, 3)},
        instances=instances,
        versions=versions,
        demand={(one.package, one.version): Demand(0.0, 0.0, 0.0) for one in more}
        | {(A, "1.0"): Demand(9.0, 300.0, 0.0)},
    )


def with_host(fleet: Fleet, host: str, **changes: object) -> Fleet:
    """That host is otherwise."""
    return replace(fleet, hosts={**fleet.hosts, host: replace(fleet.hosts[host], **changes)})


def with_demand(fleet: Fleet, package: str, version: str, demand: Demand | None) -> Fleet:
    """That version needs so much; None: not known."""
    others = {key: value for key, value in fleet.demand.items() if key != (package, version)}
    return replace(fleet, demand=others if demand is None else {**others, (package, version): demand})


def decided(*documents: Traffic | HostControl | FleetSettings, epoch: int = 3) -> Decided:
    """These stand in the register."""
    return decided_of(epoch, dict(map(_encoded, documents)))


def weights(*given: tuple[str, int], package: str = A, stable: str = "1.0", rules: Iterable[MatchRule] = ()) -> Traffic:
    """A traffic document."""
    return Traffic(package, stable, given, tuple(rules), owner="bob@desk")


def drained(host: str, state: HostState = HostState.DRAIN, owner: str = "bob@desk") -> HostControl:
    """A host's document."""
    return HostControl(host, state, owner, "a disk fails", since_s=NOW_S - 60, until_s=NOW_S + 3600)


def planned(intent: Intent, fleet: Fleet, there: Decided | None = None, now_s: float = NOW_S) -> Plan:
    """Ada's plan."""
    return plan(intent, Situation(there or decided(), fleet), ADA, now_s)


SHARE = FleetSettings(new_versions=NewVersions.SHARE)


def _encoded(document: Traffic | HostControl | FleetSettings) -> tuple[str, bytes]:
    if isinstance(document, Traffic):
        return f"control/traffic/{dotted(document.package)}", encode_traffic(document)
    if isinstance(document, HostControl):
        return f"control/hosts/{document.host}", encode_host_control(document)
    return "control/fleet", encode_settings(document)
