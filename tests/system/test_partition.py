"""A host that is really cut off, in a network namespace: what it can't know, and what comes of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.faults.stage import LOOK, Stage, broker_endpoint, report, seen
from h2o_console.commands.applied import wait_for_all
from h2o_console.dev.plan import HostPlan
from h2o_core.access import read_token
from h2o_core.audit import Author, Edit
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.io import changes
from h2o_core.znodes.agents import parse_agent
from tests.counting.client import Load
from tests.support.apart import FleetApart, cabled
from tests.support.hosts import proxied, registered

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_console.dev.fleet import Fleet
    from h2o_core.io.changes import Applied
    from h2o_core.io.registry import Registry
    from tests.support.apart import Cable
    from tests.support.hosts import Proxy

ROOT = Path(__file__).parents[2]
DRAINED, OTHER, FAR = "host-1", "host-2", "host-3"
PATH = f"control/hosts/{DRAINED}"
LOAD = Load(LOOK, idempotent=True, rate_per_s=100)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with Stage(tmp_path, print) as stage:
        yield stage


def apart(stage: Stage, cable: Cable) -> tuple[FleetApart, Proxy]:
    """The fleet, and what carries FAR's connection to ZooKeeper."""
    plans = [HostPlan(host, zone, (stage.counting(),)) for host, zone in zip((DRAINED, OTHER, FAR), "abc", strict=True)]
    fleet = FleetApart(stage.directory / "fleet", plans, cable, FAR)
    fleet.zookeeper.start()
    proxy = stage.enter(proxied(fleet.zookeeper.address, cable.here))
    fleet.far_zookeeper = proxy.address
    stage.enter(fleet)
    fleet.wait_ready(60)
    return fleet, proxy


def executed(fleet: Fleet, host: str) -> int:
    return sum(
        outcome.count
        for one in report(fleet, host).instances
        for feature in one.features
        for outcome in feature.outcomes
    )


async def _drain(registry: Registry) -> Applied:
    control = HostControl(DRAINED, HostState.DRAIN, "ann", since_s=time.time())
    return await changes.apply(registry, [Edit(PATH, None, encode_host_control(control))], Author("ann", "a test"))


async def _agents(registry: Registry) -> dict[str, str]:
    found: dict[str, str] = {}
    for host in await registry.children("agents"):
        node = await registry.get(f"agents/{host}")
        assert node is not None
        agent = parse_agent(f"agents/{host}", node.data)
        found[host] = f"http://{agent.address}:{agent.port}"
    return found


@pytest.mark.timeout(180)
def test_a_host_that_is_cut_off_is_named_and_has_nothing_executed_on_a_drained_one(
    stage: Stage,
) -> None:
    with ExitStack() as stack:
        cable = stack.enter_context(cabled())
        with stage:
            fleet, proxy = apart(stage, cable)
            token = read_token(bytes.fromhex(_secret(fleet)), fleet.name)
            agents = registered(fleet.zookeeper.address, fleet.name, _agents)
            far = stage.client(broker_endpoint(fleet, FAR))
            far.add(LOAD)
            near = stage.client(broker_endpoint(fleet, OTHER))
            near.add(LOAD)
            stage.wait(lambda: executed(fleet, DRAINED) > 20, "all hosts serve", within_s=30)

            # It loses ZooKeeper alone: it can't know of the drain, and goes on as before.
            proxy.cut()
            applied = registered(fleet.zookeeper.address, fleet.name, _drain)
            everybody = wait_for_all(agents, applied.epoch, [PATH], 2.0, lambda _: token)
            assert everybody.behind == {FAR: f"behind, at epoch {applied.epoch - 1}"}
            stage.wait(lambda: not fleet.ask(DRAINED, "/drain")["in_flight"], "what ran there has finished")
            before = executed(fleet, DRAINED)
            sends = f"{FAR} still sends requests here, which are refused: it does not know of the drain (yet)"
            stage.wait(lambda: sends in fleet.ask(DRAINED, "/drain")["remains"], "it sends there, and is refused")
            assert executed(fleet, DRAINED) == before

            # Its cable is cut as well: it serves its own callers by itself.
            for client in (far, near):
                client.pause()
            cable.cut()
            stage.wait(lambda: not seen(fleet, FAR, on=OTHER) and not seen(fleet, FAR, on=DRAINED), "it is alone")
            stage.wait(lambda: not seen(fleet, OTHER, on=FAR), "and nobody sends to it")
            for client in (far, near):
                client.resume()
            stage.pass_s(1, [far, near])
            everybody = wait_for_all(agents, applied.epoch, [PATH], 1.0, lambda _: token)
            assert set(everybody.behind) == {FAR}
            assert "may route as before" in everybody.behind[FAR]
            stage.wait(lambda: fleet.ask(DRAINED, "/drain")["safe"], "the drained host may be switched off")
            stage.wait(lambda: _vanished(fleet) == [FAR], "the others know that they can't know")
            there = {host: address for host, address in agents.items() if host != FAR}
            everybody = wait_for_all(there, applied.epoch, [PATH], 1.0, lambda _: token)
            assert set(everybody.behind) == {FAR}, "who began to wait after its node had gone is told as well"

            told = _typed(fleet, "extend", DRAINED, "--until", "6h", "-y", "--timeout", "2")
            assert (told.returncode, FAR in told.stderr) == (5, True), told

            # It is back, and knows.
            cable.mend()
            proxy.resume()
            everybody = wait_for_all(agents, applied.epoch + 1, [PATH], 30.0, lambda _: token)
            assert not everybody.behind
            stage.wait(lambda: not _vanished(fleet), "it is back in the register", within_s=30)
            refused = _refused(fleet, FAR)
            stage.wait(lambda: bool(seen(fleet, FAR, on=OTHER)), "it is linked again", within_s=30)
            stage.pass_s(1, [far, near])
            assert (executed(fleet, DRAINED), _refused(fleet, FAR)) == (before, refused)
            account = stage.settle(None, [far, near]).account
            assert (account.failed, account.breaches) == (0, ()), str(account)


def _typed(fleet: Fleet, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`h2o`, on a host that sees the register, with the secret: agents elsewhere want their token."""
    own = fleet.context(OTHER)
    config = fleet.directory / "config.toml"
    config.write_text(
        f'current = "apart"\n[contexts.apart]\nfleet = "{own.fleet}"\nzookeeper = "{own.zookeeper}"\n'
        f'agent = "{own.agent}"\nsecret_file = "{fleet.layout.secret}"\ndev = true\n'
    )
    command = [sys.executable, "-c", "import sys; from h2o_console.cli.main import main; sys.exit(main())", *arguments]
    environ = {**os.environ, "H2O_CONFIG": str(config)}
    return subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def _refused(fleet: Fleet, host: str) -> int:
    senders = fleet.ask(DRAINED, "/drain")["senders"]
    return sum(one["refused"] for one in senders if one["host"] == host)


def _vanished(fleet: Fleet) -> list[str]:
    return [one["host"] for one in fleet.ask(OTHER, "/epoch")["vanished"]]


def _secret(fleet: Fleet) -> str:
    return Path(fleet.layout.secret).read_text(encoding="ascii").strip()
