"""The simulated fleet: real ZooKeeper, the agents' real HTTP, and counters that move as brokers' do."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

from bench.cpu import cpu_s
from bench.simulator.fleet import SimulatedFleet, Size, simulated_fleet
from bench.simulator.plan import FLEET, plan
from h2o_core.io.registry import Registry
from h2o_core.times import unix_s
from h2o_core.znodes.agents import parse_agent
from h2o_core.znodes.live import parse_live
from h2o_core.znodes.packages import parse_package_version

if TYPE_CHECKING:
    from collections.abc import Generator

pytestmark = pytest.mark.timeout(120)
SIZE = Size(hosts=5, instances=6, packages=10, processes=2)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Generator[SimulatedFleet]:
    with simulated_fleet(tmp_path_factory.mktemp("simulator"), SIZE) as running:
        yield running


def ask(port: int, path: str) -> dict[str, Any]:
    with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        document: dict[str, Any] = json.load(answer)
    return document


def requests(document: dict[str, Any]) -> int:
    return sum(endpoint["num_requests"] for one in document["instances"] for endpoint in one["endpoints"])


def test_every_agent_lists_the_whole_fleet_with_the_ports_of_the_others(fleet: SimulatedFleet) -> None:
    for port in fleet.ports.values():
        listed = ask(port, "/hosts")["hosts"]
        assert {one["host"]: one["agent"] for one in listed} == {
            host: f"127.0.0.1:{other}" for host, other in fleet.ports.items()
        }
    port = next(iter(fleet.ports.values()))
    rows = ask(port, "/instances?fleet=1")["instances"]
    assert len([row for row in rows if row["id"]]) == SIZE.hosts * SIZE.instances
    assert len({row["id"] for row in rows}) == len(rows)
    features = ask(port, "/features?fleet=1")["features"]
    assert {one["package"] for one in features} == {one.name[1:] for one in plan(5, 6, 10).packages}


def test_counters_grow_by_what_their_rates_say_and_sketches_with_them(fleet: SimulatedFleet) -> None:
    host = max(plan(5, 6, 10).hosts, key=lambda one: sum(each.package.per_s for each in one.instances))
    port = fleet.ports[host.name]
    per_s = sum(one.package.per_s * feature.share for one in host.instances for feature in one.package.features)
    before = after = ask(port, "/stats")
    deadline_s = time.monotonic() + 10
    while requests(after) < requests(before) + 100:
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
        after = ask(port, "/stats")
    elapsed_s = (unix_s(after["as_of"]) or 0.0) - (unix_s(before["as_of"]) or 0.0)
    assert 0.3 * per_s * elapsed_s < requests(after) - requests(before) < 2 * per_s * elapsed_s
    for one in after["instances"]:
        for endpoint in one["endpoints"]:
            sketch = endpoint["sketch"]
            assert sketch["index"] == sorted(set(sketch["index"]))
            assert sum(sketch["count"]) == endpoint["num_requests"]
    assert after["callers"]
    assert len(after["peers"]) == SIZE.hosts - 1


def test_what_hosts_remember_is_what_their_rates_say(fleet: SimulatedFleet) -> None:
    host = max(plan(5, 6, 10).hosts, key=lambda one: sum(each.package.per_s for each in one.instances))
    package = max((one.package for one in host.instances), key=lambda one: one.per_s)
    since_s = time.time() - 900
    path = f"/history?resolution=240s&kind=package&package={package.name[1:]}&since={since_s:.0f}"
    history = ask(fleet.ports[host.name], path)
    expected = 240 * package.per_s * sum(feature.share for feature in package.features)
    assert history["series"]
    for series in history["series"]:
        assert 2 <= len(series["points"]) <= 3
        for point in series["points"]:
            assert sum(point["sketch"]["count"]) == sum(point["outcomes"].values())
            here = point["instances"] * expected
            assert here - 20 < sum(point["outcomes"].values()) <= here


async def test_the_register_holds_what_brokers_and_agents_write(fleet: SimulatedFleet) -> None:
    registry = Registry(fleet.zookeeper, FLEET, dev=True, session_timeout_s=10.0)
    await registry.start(10.0)
    try:
        paths = registry.paths
        for host, port in fleet.ports.items():
            agent, live = await registry.get(paths.agent(host)), await registry.get(paths.live(host))
            assert agent is not None
            assert live is not None
            assert agent.owner == live.owner != 0, "both are ephemeral"
            assert parse_agent(paths.agent(host), agent.data).port == port
            assert len(parse_live(paths.live(host), live.data).instances) == SIZE.instances
        versions = await registry.children(paths.packages)
        assert len(versions) == SIZE.packages
        for package in plan(5, 6, 10).packages:
            path = paths.version(package.name, package.versions[0])
            node = await registry.get(path)
            assert node is not None
            assert parse_package_version(path, node.data).features
    finally:
        await registry.stop()


def test_it_ends_with_the_block(tmp_path: Path) -> None:
    with simulated_fleet(tmp_path, Size(hosts=1, instances=1, packages=5, processes=1)) as running:
        pids = [child.pid for child in running.processes]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            cpu_s(pid)
