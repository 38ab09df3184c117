"""What plans predict, measured on a real fleet: shares within two points, and nothing for who is drained."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.dev.plan import HostPlan
from h2o_core.audit import Author
from h2o_core.control.traffic import WHOLE
from h2o_core.io import changes
from h2o_core.io.client import Client
from h2o_core.io.clock import unix_s
from h2o_core.pb.stats_pb2 import Ask, BrokerReport
from h2o_core.plan.intents import Drain, RollBack, Shift
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Demand, Fleet as Known, Host, Instance, Situation
from h2o_core.znodes.live import parse_live
from tests.support.fleet import ECHO, running
from tests.support.hosts import registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_console.dev.fleet import Fleet
    from h2o_core.io.registry import Registry
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.plan import Plan
    from h2o_core.plan.situation import Decided

NEW = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0"})
PACKAGE = "/service/echo"
AUTHOR = Author("ada@desk", "a test")
REQUESTS = 6_000
"""Of a share of 15 % the dice make half a point as one standard deviation: two points are more than four."""
AT_ONCE = 32


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO,)), HostPlan("host-2", "a", (ECHO, NEW)), HostPlan("host-3", "a", (NEW,)))
    with running(tmp_path, hosts) as fleet:
        yield fleet


async def known(registry: Registry) -> Known:
    """What the register says; both versions need a little."""
    hosts: dict[str, Host] = {}
    instances: list[Instance] = []
    for name in await registry.children("live"):
        node = await registry.get(f"live/{name}")
        assert node is not None
        live = parse_live(f"live/{name}", node.data)
        hosts[name] = Host(name, live.zone, age_s=0.0, healthy=True)
        instances += [Instance(one.id, one.package, one.version, name, one.slots) for one in live.instances]
    demand = {(PACKAGE, version): Demand(1.0, 10.0, 0.0) for version in ("1.0.0", "2.0.0")}
    return Known(hosts, tuple(instances), {PACKAGE: ("1.0.0", "2.0.0")}, demand)


def decide(fleet: Fleet, intent: Intent) -> Plan:
    """Plan and apply it; until all brokers say that they apply it."""

    async def work(registry: Registry) -> Plan:
        there = await known(registry)

        def make(decided: Decided) -> Plan:
            return plan(intent, Situation(decided, there), AUTHOR, unix_s())

        applied = await changes.execute(registry, make, AUTHOR)
        for host in fleet.hosts:
            await applied_at(fleet, host, applied.epoch)
        assert applied.plan is not None
        return applied.plan

    return registered(fleet.zookeeper.address, fleet.name, work)


async def applied_at(fleet: Fleet, host: str, epoch: int) -> None:
    """Within 10 s."""
    async with asyncio.timeout(10):
        while (await report(fleet, host)).epoch < epoch:  # noqa: ASYNC110 - of another process
            await asyncio.sleep(0.02)


async def report(fleet: Fleet, host: str) -> BrokerReport:
    async with Client(f"unix:{fleet.layout.run_dir(host)}/broker.sock") as client:
        return BrokerReport.FromString(await client.ask(Ask(what=Ask.REPORT)))


def served(fleet: Fleet) -> Counter[tuple[str, str]]:
    """(instance, version) → how many of REQUESTS without a key, sent from host-1, it executed."""

    async def executed() -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for host in fleet.hosts:
            for one in (await report(fleet, host)).instances:
                counts = [outcome.count for feature in one.features for outcome in feature.outcomes]
                found[one.instance, one.version] += sum(counts)
        return found

    async def ask() -> Counter[tuple[str, str]]:
        before = await executed()
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            call = client.call

            async def some() -> None:
                for _ in range(REQUESTS // AT_ONCE):
                    await call("/service/echo/say", StringValue(value="x"), StringValue, timeout_s=5)

            await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return await executed() - before

    return asyncio.run(ask())


def compare(fleet: Fleet, made: Plan) -> Counter[tuple[str, str]]:
    """Predicted shares of versions with measured ones: two points at most; returns what was measured."""
    counts = served(fleet)
    whole = sum(counts.values())
    assert whole == REQUESTS // AT_ONCE * AT_ONCE
    for share in made.effect.shares:
        measured = sum(count for (_, version), count in counts.items() if version == share.version) / whole
        assert abs(measured - share.after / WHOLE) <= 0.02, (share, measured)
    return counts


def test_what_is_predicted_is_measured(fleet: Fleet) -> None:
    for parts in (500, 1_500):
        compare(fleet, decide(fleet, Shift(PACKAGE, {"2.0.0": parts})))
    drained = decide(fleet, Drain(("host-2",), 0.0, 60.0))
    idle = {one.instance.id for one in drained.effect.instances if one.after.part == 0.0}
    assert len(idle) == 2
    counts = served(fleet)
    assert not idle & {instance for instance, _ in counts}
    assert (
        abs(sum(count for (_, version), count in counts.items() if version == "2.0.0") / sum(counts.values()) - 0.15)
        < 0.02
    )
    back = compare(fleet, decide(fleet, RollBack(PACKAGE)))
    assert {version for _, version in back} == {"1.0.0"}
