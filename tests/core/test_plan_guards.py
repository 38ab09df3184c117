"""Each guard passes, warns and refuses: on all that would be decided, and never for what was wrong before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_core.control.hosts import HostState
from h2o_core.control.traffic import MatchRule
from h2o_core.plan.intents import Avoid, Drain, Restore, RollBack, Shift
from h2o_core.plan.situation import Demand
from h2o_core.verdicts import (
    CAP,
    CAPACITY,
    EXPERIMENT,
    HEALTH,
    LAST_INSTANCE,
    MIN_AVAILABLE,
    OTHERS,
    STATISTICS,
    ZONES,
    Verdict,
)
from tests.support.situations import (
    ADA,
    NOW_S,
    SHARE,
    A,
    B,
    decided,
    drained,
    planned,
    running,
    three_hosts,
    weights,
    with_demand,
    with_host,
)

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Decided, Fleet

UNTIL_S = NOW_S + 4 * 3600
P, W, R = Verdict.PASSED, Verdict.WARNED, Verdict.REFUSED


def drain(*hosts: str) -> Drain:
    return Drain(hosts, UNTIL_S, 300.0)


def avoid(*hosts: str) -> Avoid:
    return Avoid(hosts, UNTIL_S)


def shift(**given: int) -> Shift:
    return Shift(A, {version.replace("_", ".").removeprefix("v"): parts for version, parts in given.items()})


FLEET = three_hosts()
LONE = three_hosts(running(B, "1.0", "host-1"))
BROKEN = three_hosts(running(B, "1.0", "host-1", failing=True))
STARTING = three_hosts(running(B, "1.0", "host-1"), running(B, "1.0", "host-2", ready=False))
TWO_VERSIONS = three_hosts(running(A, "2.0", "host-1"), running(A, "2.0", "host-2"))
ONE_NEW = three_hosts(running(A, "2.0", "host-1"))
FULL = with_demand(FLEET, A, "1.0", Demand(17.0, 500.0))
SICK_NEW = replace(
    three_hosts(*(running(A, "2.0", f"host-{number}", failing=True) for number in (1, 2))),
    demand={(A, "1.0"): Demand(0.0, 0.0, 0.0), (A, "2.0"): Demand(28.0, 500.0, 1.0)},
)
ZONED = with_host(FLEET, "host-3", zone="z2")
SILENT_1 = with_host(FLEET, "host-1", age_s=None)
HALF = decided(weights(("1.0", 5_000), ("2.0", 5_000)))
NEW = decided(weights(("1.0", 0), ("2.0", 10_000)))
TO_RULE = decided(weights(("1.0", 10_000), rules=[MatchRule("2.0", callers=("operator",))]))

CASES: dict[str, tuple[Fleet, Decided | None, Intent, dict[str, Verdict]]] = {
    # the last one
    "one of three": (FLEET, None, drain("host-1"), {LAST_INSTANCE: P, CAPACITY: P, STATISTICS: P, ZONES: P}),
    "the last of a package": (LONE, None, drain("host-1"), {LAST_INSTANCE: R, CAPACITY: P}),
    "the last, the others are drained": (
        with_demand(FLEET, A, "1.0", Demand(1.0)),
        decided(drained("host-1"), drained("host-2")),
        drain("host-3"),
        {LAST_INSTANCE: R},
    ),
    "the last that works": (
        three_hosts(running(B, "1.0", "host-1"), running(B, "1.0", "host-2", failing=True)),
        None,
        drain("host-1"),
        {LAST_INSTANCE: R},
    ),
    "the last, another is starting": (STARTING, None, drain("host-1"), {LAST_INSTANCE: R}),
    "the last, and it fails": (BROKEN, None, drain("host-1"), {LAST_INSTANCE: W}),
    "the last of a version with weight": (
        ONE_NEW,
        decided(weights(("1.0", 9_000), ("2.0", 1_000))),
        drain("host-1"),
        {LAST_INSTANCE: R},
    ),
    "the last of a version that a rule names": (ONE_NEW, TO_RULE, drain("host-1"), {LAST_INSTANCE: R}),
    "the last of a version without weight": (
        ONE_NEW,
        decided(weights(("1.0", 10_000), ("2.0", 0))),
        drain("host-1"),
        {LAST_INSTANCE: P},
    ),
    "the last of the version that serves undecided": (
        with_demand(
            replace(FLEET, instances=(running(A, "1.0", "host-1"), running(A, "2.0", "host-2"))),
            A,
            "1.0",
            Demand(5.0),
        ),
        None,
        drain("host-1"),
        {LAST_INSTANCE: R},
    ),
    "the last of one of those that compete": (ONE_NEW, decided(SHARE), drain("host-1"), {LAST_INSTANCE: P}),
    "avoiding one of three": (FLEET, None, avoid("host-1"), {LAST_INSTANCE: P, CAPACITY: P}),
    "avoiding the last": (LONE, None, avoid("host-1"), {LAST_INSTANCE: W, CAPACITY: P}),
    "avoiding all": (FLEET, None, avoid("host-1", "host-2", "host-3"), {LAST_INSTANCE: W}),
    # capacity
    "what remains is too little": (FULL, None, drain("host-1"), {CAPACITY: R}),
    "to be avoided is to be gone, for capacity": (FULL, None, avoid("host-1"), {CAPACITY: R}),
    "just enough": (with_demand(FLEET, A, "1.0", Demand(16.0, 500.0)), None, drain("host-1"), {CAPACITY: P}),
    "what is needed is not known": (with_demand(FLEET, A, "1.0", None), None, drain("host-1"), {CAPACITY: W}),
    "what somebody else drained counts": (
        with_demand(FLEET, A, "1.0", Demand(9.0, 500.0)),
        decided(drained("host-2")),
        drain("host-1"),
        {CAPACITY: R},
    ),
    "what fails counts as nothing": (
        replace(FULL, instances=(*FULL.instances[:2], replace(FULL.instances[2], slots=50, failing=True))),
        None,
        drain("host-1"),
        {CAPACITY: R},
    ),
    "of each version its own": (
        TWO_VERSIONS,
        HALF,
        drain("host-1"),
        {CAPACITY: P, LAST_INSTANCE: P},
    ),
    "of one version too little": (
        with_demand(TWO_VERSIONS, A, "1.0", Demand(18.0)),
        HALF,
        drain("host-1"),
        {CAPACITY: R, LAST_INSTANCE: P},
    ),
    "what compete are one": (
        with_demand(ONE_NEW, A, "2.0", Demand(3.0)),
        decided(SHARE),
        drain("host-1"),
        {CAPACITY: P},
    ),
    "who fails is no loss": (
        replace(FULL, instances=(replace(FULL.instances[0], failing=True), *FULL.instances[1:])),
        None,
        drain("host-1"),
        {},
    ),
    # as many as its author wants
    "fewer than it wants": (replace(FLEET, min_available={A: 3}), None, drain("host-1"), {MIN_AVAILABLE: R}),
    "as many as it wants": (replace(FLEET, min_available={A: 2}), None, drain("host-1"), {MIN_AVAILABLE: P}),
    "fewer than it wants already, and none goes": (
        replace(FLEET, min_available={A: 9}),
        None,
        Shift(A, {"1.0": 10_000}),
        {},
    ),
    # zones
    "of one zone": (with_demand(ZONED, A, "1.0", Demand(1.0)), decided(drained("host-1")), drain("host-2"), {ZONES: P}),
    "of two zones": (with_demand(ZONED, A, "1.0", Demand(1.0)), None, drain("host-1", "host-3"), {ZONES: R}),
    "of two zones, the other one is another's": (
        with_demand(ZONED, A, "1.0", Demand(1.0)),
        decided(drained("host-1")),
        drain("host-3"),
        {ZONES: R},
    ),
    "avoided ones may be anywhere": (
        with_demand(ZONED, A, "1.0", Demand(1.0)),
        decided(drained("host-1")),
        avoid("host-3"),
        {},
    ),
    # what is known
    "a silent one goes": (SILENT_1, None, drain("host-1"), {STATISTICS: P, LAST_INSTANCE: P, CAPACITY: P}),
    "a sick silent one goes": (
        with_host(
            replace(FLEET, instances=(replace(FLEET.instances[0], failing=True), *FLEET.instances[1:])),
            "host-1",
            age_s=None,
        ),
        None,
        drain("host-1"),
        {},
    ),
    "silent ones remain": (
        with_host(SILENT_1, "host-2", age_s=60.0),
        None,
        drain("host-3"),
        {STATISTICS: R},
    ),
    "one silent, one not": (SILENT_1, None, drain("host-3"), {STATISTICS: P, CAPACITY: R}),
    "more for a silent version": (
        with_host(with_host(TWO_VERSIONS, "host-1", age_s=None), "host-2", age_s=None),
        HALF,
        shift(v1_0=4_000, v2_0=6_000),
        {STATISTICS: R},
    ),
    # the cap
    "as much as it can take": (TWO_VERSIONS, None, shift(v2_0=5_000), {CAP: P, STATISTICS: P}),
    "more than it can take": (with_demand(ONE_NEW, A, "1.0", Demand(28.0)), None, shift(v2_0=9_000), {CAP: R}),
    "without an instance": (replace(FLEET, versions={A: ("1.0", "2.0")}), None, shift(v2_0=100), {CAP: R}),
    "its instances are on drained hosts": (ONE_NEW, decided(drained("host-1")), shift(v2_0=100), {CAP: R}),
    "nobody knows what it needs": (with_demand(ONE_NEW, A, "1.0", None), None, shift(v2_0=100), {CAP: W}),
    "more than the other one can take": (
        with_demand(ONE_NEW, A, "1.0", Demand(28.0)),
        HALF,
        shift(v2_0=500),
        {CAP: R},
    ),
    "away from what fails": (SICK_NEW, NEW, shift(v1_0=10_000), {CAP: W}),
    "away from what is gone": (
        with_demand(three_hosts(), A, "1.0", Demand(28.0, 500.0)),
        decided(weights(("1.0", 5_000), ("2.0", 5_000))),
        shift(v1_0=10_000),
        {CAP: W},
    ),
    "rolled back from what fails": (SICK_NEW, NEW, RollBack(A), {CAP: W}),
    "away from what makes errors": (
        replace(
            with_demand(TWO_VERSIONS, A, "1.0", Demand(28.0, 500.0, 0.01)),
            demand={(A, "1.0"): Demand(14.0, 250.0, 0.01), (A, "2.0"): Demand(14.0, 250.0, 0.07)},
        ),
        HALF,
        shift(v1_0=10_000),
        {CAP: W},
    ),
    # the others
    "a well host comes back": (FLEET, decided(drained("host-1", owner=ADA.actor)), Restore(("host-1",)), {}),
    "a silent host comes back": (
        SILENT_1,
        decided(drained("host-1", owner=ADA.actor)),
        Restore(("host-1",)),
        {HEALTH: W},
    ),
    "a sick host comes back": (
        with_host(FLEET, "host-1", healthy=False),
        decided(drained("host-1", owner=ADA.actor)),
        Restore(("host-1",)),
        {HEALTH: W},
    ),
    "another's drain is ended": (FLEET, decided(drained("host-1")), Restore(("host-1",)), {OTHERS: W}),
    "another's drain is weakened": (FLEET, decided(drained("host-1")), avoid("host-1"), {OTHERS: W}),
    "another's avoid is made a drain": (
        FLEET,
        decided(drained("host-1", HostState.AVOID)),
        drain("host-1"),
        {OTHERS: P, LAST_INSTANCE: P},
    ),
    "weights while an experiment runs": (
        TWO_VERSIONS,
        decided(replace(weights(("1.0", 5_000), ("2.0", 5_000)), experiment="prices")),
        shift(v2_0=4_000),
        {EXPERIMENT: W},
    ),
}


@pytest.mark.parametrize(("fleet", "there", "intent", "expected"), CASES.values(), ids=CASES.keys())
def test_verdicts(fleet: Fleet, there: Decided | None, intent: Intent, expected: dict[str, Verdict]):
    """What is expected to pass is not warned of or refused; and nothing else is than what is expected."""
    plan = planned(intent, fleet, there)
    worst: dict[str, Verdict] = {}
    for guard in plan.guards:
        worst.setdefault(guard.name, guard.verdict)
        assert guard.sentence
        assert (guard.subject == "") == (guard.verdict is P)
    bad = {name: verdict for name, verdict in worst.items() if verdict is not P}
    assert bad == {name: verdict for name, verdict in expected.items() if verdict is not P}, plan.guards
