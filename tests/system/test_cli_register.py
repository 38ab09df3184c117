"""`h2o list` and `hosts` on a real ZooKeeper, when no agent answers."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from h2o_console.cli.main import main
from h2o_core.io.registry import Registry
from h2o_core.znodes.agents import AgentNode, encode_agent
from h2o_core.znodes.live import LiveHost, LiveInstance, encode_live

if TYPE_CHECKING:
    from pathlib import Path

KEY = "x" * 40


def live(host: str, *instances: LiveInstance) -> bytes:
    return encode_live(LiveHost(host, "a", "127.0.0.1:4123", KEY, 7, "machine-1", 1, {"disk": "ssd"}, instances))


@pytest.fixture
def fleet(zookeeper: str, fleet_name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A fleet in the register, of which one host's document is broken, and whose agent is out of reach."""
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    for name in ("H2O_AGENT", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_ZK", zookeeper)
    monkeypatch.setenv("H2O_FLEET", fleet_name)

    async def write() -> None:
        registry = Registry(zookeeper, fleet_name, dev=True)
        await registry.start(10)
        paths = registry.paths
        instance = LiveInstance("3f8a91c2d4e5f607", "/service/customer", "1.4.2", "0" * 40, 64, 1_769_868_000.0, 42)
        await registry.create(paths.live("host-1"), live("host-1", instance))
        await registry.create(paths.live("host-2"), live("host-2"))
        await registry.create(paths.live("host-3"), b"{broken")
        for host in ("host-1", "host-4"):
            await registry.create(paths.agent(host), encode_agent(AgentNode(host, "127.0.0.1", 9, "a", "machine-1")))
        await registry.stop()

    asyncio.run(write())
    return fleet_name


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_list(fleet: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list", "--json")
    document = json.loads(out)
    assert code == 0
    assert (document["fleet"], document["source"]) == (fleet, "zookeeper")
    assert [(each["id"], each["state"], each["routable"]) for each in document["instances"]] == [
        ("3f8a91c2d4e5f607", "registered", None)
    ]
    assert "left out: " in err
    assert "host-3" in err


@pytest.mark.usefixtures("fleet")
def test_it_says_that_no_agent_answered(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list", "--agent", "http://127.0.0.1:1", "-o", "name")
    assert (code, out) == (0, "3f8a91c2d4e5f607\n")
    assert "no agent answers at http://127.0.0.1:1" in err
    assert "reading ZooKeeper" in err


@pytest.mark.usefixtures("fleet")
def test_hosts(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "hosts", "--no-headers")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["host-1", "a", "registered", "-", "1", "127.0.0.1:9", "-"],
        ["host-2", "a", "registered", "-", "0", "-", "-"],
        ["host-4", "a", "no", "broker", "-", "0", "127.0.0.1:9", "-"],
    ]


@pytest.mark.usefixtures("fleet")
def test_stats_find_the_agent_by_the_register(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "stats", "3f8", "--no-headers")
    assert (code, out) == (5, "")
    assert "host-1 is missing here" in err
    assert "127.0.0.1:9" in err


@pytest.mark.usefixtures("fleet")
def test_an_unknown_fleet_is_an_empty_one(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "list", "--fleet", "nobody-here", "--no-headers")
    assert (code, out) == (0, "")
    assert "no instance" in err


@pytest.mark.parametrize(
    ("address", "code", "sentence"),
    [
        ("127.0.0.1:1", 4, "ZooKeeper 127.0.0.1:1 is out of reach: Connection refused"),
        ("nonsense", 2, "'nonsense' is not a ZooKeeper's address"),
    ],
)
def test_zookeeper_out_of_reach_is_known_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, address: str, code: int, sentence: str
) -> None:
    monkeypatch.setenv("H2O_CONFIG", "/dev/null")
    began = time.monotonic()
    found, out, err = run(capsys, "list", "--zk", address, "--fleet", "x")
    assert (found, out) == (code, "")
    assert sentence in err
    assert time.monotonic() - began < 4


def test_a_server_that_is_none_is_given_up(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("H2O_CONFIG", "/dev/null")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        code, out, err = run(capsys, "list", "--zk", address, "--fleet", "x", "--timeout", "0.5")
    assert (code, out) == (4, "")
    assert f"ZooKeeper {address} is out of reach" in err
    assert "--agent" in err
