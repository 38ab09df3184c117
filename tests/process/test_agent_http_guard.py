"""Reading an agent from another address than loopback: by hand, by the command line, by the console."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from h2o_agent.http.app import build
from h2o_agent.http.guard import Guard
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from h2o_console.cli.main import main
from h2o_console.feed.agents import Agents, OutOfReach
from h2o_core.access import read_token
from tests.core.test_agent_views import child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot

SECRET = bytes(range(32))
TOKEN = read_token(SECRET, "test")


def elsewhere() -> str:
    """An address of this machine that is not loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return "" if address.startswith("127.") else address


ADDRESS = elsewhere()
pytestmark = pytest.mark.skipif(not ADDRESS, reason="this machine has no address but loopback")


class Host:
    def snapshot(self) -> Snapshot:
        return snapshot(reported(), children=(child(),))

    async def refresh(self) -> None:
        pass


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[str]:
    server = HttpServer("0.0.0.0", 0, str(tmp_path / "agent.sock"))
    server.start(build(Host(), "0", Shelf(tmp_path, "host-1", "0"), Guard((TOKEN,))))
    yield f"http://{ADDRESS}:{server.port}"
    await server.stop()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET.hex())
    return path


async def test_by_hand(agent: str):
    async with httpx.AsyncClient(base_url=agent, timeout=10, trust_env=False) as client:
        refused = await client.get("/stats")
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, 'Bearer realm="h2o"')
        assert "h2o token" in refused.json()["hint"]
        assert (await client.get("/livez")).status_code == 200
        shown = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/stats", headers=shown)).status_code == 200
        assert (await client.get("/stats", headers={"Authorization": "Bearer wrong"})).status_code == 401
        assert (await client.post("/stats", headers=shown)).headers["allow"] == "GET, HEAD"
        here = agent.replace(ADDRESS, "127.0.0.1")
        assert (await client.get(f"{here}/stats")).status_code == 200
        assert (await client.get(f"{here}/stats", headers={"Host": "evil.example"})).status_code == 403


async def test_by_the_console(agent: str):
    known, unknown = Agents(10, TOKEN), Agents(10)
    try:
        assert await known.document(agent, "/stats")
        with pytest.raises(OutOfReach) as refused:
            await unknown.document(agent, "/stats")
        assert "h2o token" in refused.value.hint
    finally:
        known.close()
        unknown.close()


@pytest.mark.parametrize("key", ["secret_file", "token_file", ""])
async def test_by_the_command_line(
    agent: str,
    key: str,
    secret: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    named = {"secret_file": secret, "token_file": tmp_path / "token"}
    configuration = tmp_path / "config.toml"
    more = f'{key} = "{named[key]}"' if key else ""
    configuration.write_text(f'current = "x"\n[contexts.x]\nfleet = "test"\nagent = "{agent}"\n{more}\n')
    monkeypatch.setenv("H2O_CONFIG", str(configuration))
    for name in ("H2O_CONTEXT", "H2O_AGENT", "H2O_ZK", "H2O_FLEET", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    code = await asyncio.to_thread(main, ["list", "-o", "name"])
    out, err = capfd.readouterr()
    if key:
        assert (code, out) == (0, "i1\n")
        assert (await asyncio.to_thread(main, ["stats", "i1"])) == 0
        capfd.readouterr()
        assert (await asyncio.to_thread(main, ["token"]), capfd.readouterr().out) == (0, f"{TOKEN}\n")
    else:
        assert code == 4
        assert "with a token" in err
        assert (await asyncio.to_thread(main, ["token"])) == 2
        assert "secret_file" in capfd.readouterr().err


async def test_a_token_file_that_can_not_be_read_is_said(
    agent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    configuration = tmp_path / "config.toml"
    configuration.write_text(f'current = "x"\n[contexts.x]\nagent = "{agent}"\ntoken_file = "{tmp_path}/none"\n')
    monkeypatch.setenv("H2O_CONFIG", str(configuration))
    for arguments in (["list"], ["version"], ["token"]):
        assert (await asyncio.to_thread(main, arguments)) == 2
        assert f"token_file {tmp_path}/none" in capfd.readouterr().err
