"""`/logs` over a real server: what is answered, how following goes, and who has to wait."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from h2o_agent.http import logs
from h2o_agent.http.app import build
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from h2o_core.logs import Entry, Severity
from tests.core.test_agent_views import NOW_S, child, reported, snapshot
from tests.support.broker import eventually_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot

KEY = "service.customer-abc123-1"


class Served:
    """A real server of a host with logs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "logs"
        self.directory.mkdir()
        self.shelf = Shelf(self.directory, "host-1", "0.1.0")
        self.server = HttpServer("127.0.0.1", 0, str(directory / "agent.sock"))
        self.client = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.server.port}", timeout=10)
        self.server.start(build(self, "0.1.0", self.shelf))

    def snapshot(self) -> Snapshot:
        return snapshot(reported(), children=(child(),), register_problem="")

    async def refresh(self) -> None:
        pass

    def write(self, *bodies: str, key: str = KEY) -> None:
        with (self.directory / f"{key}.log").open("ab") as file:
            for body in bodies:
                file.write(Entry(NOW_S, Severity.INFO, body, resource={"host.name": "host-1"}).line().encode() + b"\n")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    made = Served(tmp_path)
    yield made
    made.shelf.closing = True
    await made.client.aclose()
    await made.server.stop()
    assert not made.shelf.trails


async def test_lines_then_the_cursor_from_which_it_goes_on(served: Served):
    served.write("one", "two")
    got = await served.client.get("/logs", params={"instance": "i1", "limit": 1})
    assert got.headers["content-type"] == "application/x-ndjson"
    first, cursor = [json.loads(line) for line in got.text.splitlines()]
    assert (first["body"], first["source"]) == ("one", KEY)
    assert first["resource"] == {
        "service.name": "service/customer",
        "service.version": "1.0",
        "service.instance.id": "i1",
        "host.name": "host-1",
    }
    rest = await served.client.get("/logs", params={"instance": "i1", **cursor})
    assert [json.loads(line).get("body") for line in rest.text.splitlines()] == ["two", None]
    gap = await served.client.get("/logs", params={"cursor": "from another time"})
    assert json.loads(gap.text.splitlines()[0]) == {"gap": True}


async def test_a_follower_is_told_what_comes_and_leaves_nothing_behind(served: Served):
    served.write("one")
    async with served.client.stream("GET", "/logs", params={"follow": "1", "package": "service/customer"}) as stream:
        lines = stream.aiter_lines()
        assert json.loads(await anext(lines))["body"] == "one"
        assert "cursor" in json.loads(await anext(lines))
        served.write("two")
        assert json.loads(await anext(lines))["body"] == "two"
        assert len(served.shelf.trails) == 1
    await eventually_async(lambda: not served.shelf.trails, "a reader")


async def test_one_who_follows_silence_is_told_that_the_agent_lives(served: Served, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(logs, "_ALIVE_S", 0.05)
    async with served.client.stream("GET", "/logs", params={"follow": "1"}) as stream:
        lines = stream.aiter_lines()
        assert "cursor" in json.loads(await anext(lines))
        assert json.loads(await anext(lines)) == {"alive": True}


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("since=yesterday", 400, "write 90s, 10m"),
        ("what=1", 400, "no 'what'"),
        ("instance=nobody", 404, "nobody"),
        ("package=service/geo", 404, "service/geo"),
    ],
)
async def test_what_can_not_be_answered_says_why(served: Served, query: str, status: int, sentence: str):
    got = await served.client.get(f"/logs?{query}")
    assert got.status_code == status
    assert sentence in got.json()["error"]


async def test_head_and_too_many(served: Served, monkeypatch: pytest.MonkeyPatch):
    head = await served.client.head("/logs?follow=1")
    assert (head.status_code, head.content) == (200, b"")
    monkeypatch.setattr(logs, "MOST_READERS", 1)
    async with served.client.stream("GET", "/logs", params={"follow": "1"}):
        await eventually_async(lambda: bool(served.shelf.trails), "a reader")
        assert (await served.client.get("/logs")).status_code == 503


async def test_the_end_of_the_agent_ends_who_follows(served: Served):
    async with served.client.stream("GET", "/logs", params={"follow": "1"}) as stream:
        served.shelf.closing = True
        async with asyncio.timeout(10):
            assert len([line async for line in stream.aiter_lines()]) == 1
