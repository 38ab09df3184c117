"""Damaged, huge and newer nodes, and a real agent: the last good one stays in force, `/health` says what is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from h2o_core.control import Epoch, FleetSettings, NewVersions, encode_epoch, encode_settings
from h2o_core.znodes import Paths
from tests.support.agent_process import AgentProcess
from tests.support.broker import RawLink, eventually
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
    ghosts = [paths.live("ghost"), paths.version("/service/ghost", "1.0"), paths.settings]
    spoilt = {*ghosts, paths.epoch} if how != "huge" else {*ghosts[::2]}  # the others may be as large as that

    async def spoil(registry: Registry) -> None:
        for path in sorted(spoilt):
            if path == paths.epoch:
                await registry.set(path, data)
            else:
                await registry.create(path, data)

    async def mend(registry: Registry) -> None:
        for path in sorted(spoilt):
            if path == paths.epoch:
                await registry.set(path, encode_epoch(Epoch(3)))
            elif path == paths.settings:
                await registry.set(path, encode_settings(FleetSettings(new_versions=NewVersions.SHARE)))
            else:
                await registry.delete(path)

    registered(zookeeper, agent.fleet, spoil)
    agent.until(lambda: wrong(agent).keys() == spoilt, f"each of {spoilt} has its entry")
    assert agent.json("/health")["status"] == "warn"
    assert agent.get("/health").status_code == 200
    for entry in wrong(agent).values():
        assert says in entry["output"]
        assert entry["status"] == "warn"
    hosts = agent.json("/hosts")
    assert {alarm["path"] for alarm in hosts["alarms"]} == spoilt
    assert hosts["register"]["alarms"] == len(spoilt)

    registered(zookeeper, agent.fleet, mend)
    agent.until(lambda: agent.json("/health").get("status") == "pass", "all is well again")
    assert wrong(agent) == {}


def test_settings_that_go_stay_in_force_and_are_asked_for(agent: AgentProcess, zookeeper: str) -> None:
    path = Paths(agent.fleet).settings
    settings = encode_settings(FleetSettings(new_versions=NewVersions.SHARE))

    # What follows quickly is read once: each step waits until the broker has seen the one before.
    registered(zookeeper, agent.fleet, lambda registry: registry.create(path, b"?"))
    agent.until(lambda: path in wrong(agent), "they can't be read")
    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, settings))
    agent.until(lambda: wrong(agent) == {}, "they are there")
    registered(zookeeper, agent.fleet, lambda registry: registry.delete(path))
    agent.until(lambda: path in wrong(agent), "they are gone")
    assert "stays in force here: write the settings again" in wrong(agent)[path]["output"]


def test_an_epoch_that_goes_back_is_told(agent: AgentProcess, zookeeper: str) -> None:
    path = Paths(agent.fleet).epoch

    def entries() -> list[dict[str, Any]]:
        return agent.json("/health").get("checks", {}).get("register:epoch", [])

    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(7))))
    with RawLink(agent.endpoint) as broker:
        eventually(lambda: broker.report().epoch == 7, "the broker has seen epoch 7")
    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(2))))
    agent.until(entries, "the alarm is shown")
    assert "the register is at epoch 2, and 7 was seen here" in entries()[0]["output"]
    registered(zookeeper, agent.fleet, lambda registry: registry.set(path, encode_epoch(Epoch(8))))
    agent.until(lambda: not entries(), "it has caught up")
