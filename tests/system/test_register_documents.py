"""Damaged, huge and newer nodes, and a real agent: the last good one stays in force, `/health` says what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.control.settings import FleetSettings, NewVersions, encode_settings
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.znodes.paths import Paths
from tests.support.agent_process import AgentProcess
from tests.support.broker import RawLink, eventually
from tests.support.control import decide
from tests.support.hosts import registered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_core.io.registry import Registry

SPOILT = {
    "damaged": (b'{"schema": 1, "new', "not JSON"),
    "huge": (b'{"schema": 1, "x": "' + b"x" * (300 << 10) + b'"}', "bytes are more than"),
    "newer": (json.dumps({"schema": 2}).encode(), "schema 2 is newer"),
}


@pytest.fixture
def agent(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[AgentProcess]:
    with AgentProcess(tmp_path, zookeeper=zookeeper, fleet=fleet_name) as running:
        running.until(lambda: running.json("/health").get("status") == "pass", "the host is well")
        yield running


def wrong(agent: AgentProcess) -> dict[str, dict[str, Any]]:
    """Path → the entry about it."""
    entries = agent.json("/health").get("checks", {}).get("register:document", [])
    return {entry["componentId"]: entry for entry in entries}


@pytest.mark.parametrize("how", SPOILT)
def test_what_is_wrong_is_a_warning_until_it_is_right_or_gone(agent: AgentProcess, zookeeper: str, how: str) -> None:
    data, says = SPOILT[how]
    paths = Paths(agent.fleet)
    decided = {
        "control/fleet": encode_settings(FleetSettings(new_versions=NewVersions.SHARE)),
        "control/traffic/service.ghost": encode_traffic(Traffic("/service/ghost", "1", (("1", 10_000),))),
        "control/hosts/ghost": None,
    }
    ghosts = [paths.live("ghost"), *([] if how == "huge" else [paths.version("/service/ghost", "1.0")])]
    spoilt = {*ghosts, *(f"{paths.root}/{path}" for path in decided)}  # a manifest may be as large as that

    async def spoil(registry: Registry) -> int:
        for path in ghosts:
            await registry.create(path, data)
        return await decide(registry, dict.fromkeys(decided, data))

    async def mend(registry: Registry) -> int:
        for path in ghosts:
            await registry.delete(path)
        return await decide(registry, decided)

    epoch = registered(zookeeper, agent.fleet, spoil)
    agent.until(lambda: wrong(agent).keys() == spoilt, f"each of {spoilt} has its entry")
    assert agent.json("/health")["status"] == "warn"
    assert agent.get("/health").status_code == 200
    for entry in wrong(agent).values():
        assert says in entry["output"]
        assert entry["status"] == "warn"
    hosts = agent.json("/hosts")
    assert {alarm["path"] for alarm in hosts["alarms"]} == spoilt
    assert hosts["register"]["alarms"] == len(spoilt)
    applied = agent.json(f"/epoch?at_least={epoch}")
    assert (applied["applied"], applied["except"]) == (epoch, sorted(decided))

    epoch = registered(zookeeper, agent.fleet, mend)
    assert agent.json(f"/epoch?at_least={epoch}")["except"] == []
    agent.until(lambda: agent.json("/health").get("status") == "pass", "all is well again")
    assert wrong(agent) == {}


def test_an_epoch_that_can_not_be_read_is_told_and_what_is_there_applies(agent: AgentProcess, zookeeper: str) -> None:
    path = Paths(agent.fleet).epoch
    traffic = encode_traffic(Traffic("/service/ghost", "1", (("1", 10_000),)))

    async def write(registry: Registry) -> None:
        await registry.create("control/traffic/service.ghost", b"{")
        await registry.set(path, b"?")

    registered(zookeeper, agent.fleet, write)
    agent.until(lambda: wrong(agent).keys() == {path, f"{Paths(agent.fleet).traffics}/service.ghost"}, "both are told")
    assert "epoch 0 is what counts as applied" in wrong(agent)[path]["output"]

    async def mend(registry: Registry) -> int:
        await registry.set(path, encode_epoch(Epoch(3)))
        return await decide(registry, {"control/traffic/service.ghost": traffic})

    assert registered(zookeeper, agent.fleet, mend) == 4
    assert agent.json("/epoch?at_least=4")["reached"]
    agent.until(lambda: wrong(agent) == {}, "all is well again")


def test_an_epoch_that_goes_back_is_told(agent: AgentProcess, zookeeper: str) -> None:
    path = Paths(agent.fleet).epoch

    def entries() -> list[dict[str, Any]]:
        return agent.json("/health").get("checks", {}).get("register:epoch", [])

    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(7))))
    with RawLink(agent.endpoint) as broker:
        eventually(lambda: broker.report().epoch == 7, "the broker has applied epoch 7")
    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(2))))
    agent.until(entries, "the alarm is shown")
    assert "the register is at epoch 2, and 7 was seen here" in entries()[0]["output"]
    assert agent.json("/epoch")["applied"] == 2
    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(8))))
    agent.until(lambda: not entries(), "it has caught up")
