"""Nodes that vanish while their brokers live, nodes that others write, and who may have a host's name."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code
from h2o_core.znodes.live import encode_live, parse_live
from h2o_core.znodes.paths import Paths
from tests.support.broker import BrokerProcess, RawLink, eventually, eventually_async
from tests.support.hosts import Hosts, Proxy, alarms, links, proxied, register, registered, routable, standings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.io.registry import Registry

MACHINE = "0cf1a5f6-5b3a-4c65-9f39-1f6f5f7d0a11"


@pytest.fixture
def cut_off(zookeeper: str) -> Iterator[Proxy]:
    """The way to ZooKeeper that a test can close."""
    with proxied(zookeeper) as proxy:
        yield proxy


def ready(hosts: Hosts, expected: set[str]) -> RawLink:
    """A client of host-1, once all hosts are linked and *expected* are those that serve."""
    client = hosts.link()
    others = dict.fromkeys(hosts.brokers.keys() - {"host-1"}, "up")
    eventually(lambda: links(client) == others, "all hosts are linked")
    eventually(lambda: routable(client) == expected, f"host-1 knows of {expected}")
    eventually(lambda: register(client).picture_age_s == 0, "host-1 has read the register")
    return client


def until_served(hosts: Hosts, client: RawLink, expected: dict[str, str]) -> None:
    """Hosts stand as expected in the end; each request on the way is served."""

    def stand() -> bool:
        assert hosts.serve_one(client) == Code.OK
        return standings(client) == expected

    eventually(stand, f"hosts stand as {expected}")


# ---- vanished


def test_a_broker_that_loses_its_session_loses_no_request(hosts: Hosts, zookeeper: str, cut_off: Proxy) -> None:
    hosts.start("host-1", zookeeper)
    hosts.start("host-2", cut_off.address, serves=True)
    hosts.start("host-3", zookeeper)
    client = ready(hosts, {"host-2"})
    slow = client.ask(remaining_ms=60_000)
    held = hosts.instances["host-2"].expect(wire.REQUEST)

    cut_off.cut()
    until_served(hosts, client, {"host-2": "kept", "host-3": "registered"})
    assert "its node has only just gone" in alarms(client)["kept", "host-2"].sentence
    cut_off.resume()
    until_served(hosts, client, {"host-2": "registered", "host-3": "registered"})

    assert not register(client).alarms
    hosts.instances["host-2"].send(wire.ANSWER, correlation=held.correlation, flags=2)
    assert client.expect(wire.ANSWER, correlation=slow).code == Code.OK


def test_most_hosts_vanish_at_once_and_those_that_answer_are_kept(hosts: Hosts, zookeeper: str, cut_off: Proxy) -> None:
    hosts.start("host-1", zookeeper)
    hosts.start("host-2", cut_off.address, serves=True)
    hosts.start("host-3", cut_off.address)
    client = ready(hosts, {"host-2"})
    cut_off.cut()
    until_served(hosts, client, {"host-2": "kept", "host-3": "kept"})
    assert all("more than half of all hosts" in alarm.sentence for alarm in register(client).alarms)
    hosts.brokers["host-3"].kill()
    until_served(hosts, client, {"host-2": "kept"})
    cut_off.resume()
    until_served(hosts, client, {"host-2": "registered"})
    assert not register(client).alarms


def test_a_node_that_is_removed_or_spoilt_by_hand_is_written_again_by_its_broker(hosts: Hosts, zookeeper: str) -> None:
    for host in ("host-1", "host-2", "host-3"):
        hosts.start(host, zookeeper, serves=host == "host-2")
    client = ready(hosts, {"host-2"})
    paths = Paths(hosts.fleet)

    async def meddle(registry: Registry) -> None:
        await registry.set(paths.live("host-2"), b"{")
        for host in ("host-1", "host-3"):
            await registry.delete(paths.live(host))

    async def as_they_were(registry: Registry) -> bool:
        for host in ("host-1", "host-2", "host-3"):
            node = await registry.get(paths.live(host))
            if node is None or not node.owner or node.data == b"{":
                return False
        return True

    registered(zookeeper, hosts.fleet, meddle)
    eventually(lambda: registered(zookeeper, hosts.fleet, as_they_were), "all three stand again")
    until_served(hosts, client, {"host-2": "registered", "host-3": "registered"})
    eventually(lambda: not register(client).alarms, "nothing is wrong any more")


def test_a_manifest_that_is_removed_by_hand_is_written_again(hosts: Hosts, zookeeper: str) -> None:
    hosts.start("host-1", zookeeper, serves=True)
    client = ready(hosts, {"host-1"})
    path = Paths(hosts.fleet).version("/service/echo", "1.0.0")

    def stands() -> bool:
        return registered(zookeeper, hosts.fleet, lambda registry: registry.get(path)) is not None

    eventually(stands, "it is written")
    registered(zookeeper, hosts.fleet, lambda registry: registry.delete(path))
    eventually(stands, "it is written again")
    assert hosts.serve_one(client) == Code.OK


# ---- whose name it is


def machine_of(broker: BrokerProcess) -> str:
    return (broker.directory / "state" / "machine-id").read_text().strip()


def test_a_broker_that_finds_another_machine_in_its_place_later_ends_and_names_both(
    hosts: Hosts, zookeeper: str, cut_off: Proxy
) -> None:
    broker = hosts.start("host-1", cut_off.address)
    process = broker.process
    assert process is not None
    path = Paths(hosts.fleet).live("host-1")

    async def take(registry: Registry) -> None:
        node = await registry.get(path)
        assert node is not None
        other = replace(parse_live(path, node.data), machine=MACHINE, address="127.0.0.1:1", incarnation=9)
        cut_off.cut()
        while await registry.get(path) is not None:
            pass
        await registry.create(path, encode_live(other), ephemeral=True)
        cut_off.resume()
        await eventually_async(lambda: process.poll() is not None, "the broker ends")

    ready(hosts, set())
    registered(zookeeper, hosts.fleet, take)
    assert process.returncode == 3
    assert f"another machine ({MACHINE}, broker at 127.0.0.1:1) is registered as host-1" in broker.log
    assert f"this one is {machine_of(broker)}" in broker.log


def test_of_two_machines_that_start_with_one_name_one_stays(hosts: Hosts, zookeeper: str) -> None:
    with ExitStack() as stack:
        doubles = [
            BrokerProcess(hosts.directory / name, host="host-1", fleet=hosts.fleet, zookeeper=zookeeper)
            for name in ("one", "other")
        ]
        for double in doubles:
            stack.callback(double.kill)
            double.process = double.launch()
        codes: list[int | None] = []

        def one_has_ended() -> bool:
            codes[:] = [double.process.poll() if double.process else None for double in doubles]
            return any(code is not None for code in codes)

        eventually(one_has_ended, "one of them ends")
        assert sorted(map(str, codes)) == ["3", "None"]
        loser = doubles[codes.index(3)]
        assert all(machine_of(double) in loser.log for double in doubles)


def test_a_copied_state_directory_is_found_out(hosts: Hosts, zookeeper: str) -> None:
    first = hosts.start("host-1", zookeeper)
    eventually(lambda: register(hosts.link()).picture_age_s == 0, "it is registered")
    copy = BrokerProcess(hosts.directory / "copy", host="host-1", fleet=hosts.fleet, zookeeper=zookeeper)
    shutil.copytree(first.directory / "state", copy.directory / "state", ignore=shutil.ignore_patterns("*.draft"))
    with copy:
        process = first.process
        assert process is not None
        eventually(lambda: process.poll() is not None, "the first one ends")
        assert process.returncode == 3
        assert "was a state directory copied?" in first.log
