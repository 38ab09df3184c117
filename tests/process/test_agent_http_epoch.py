"""`/epoch`: at once, when it is reached, and when it is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from h2o_agent.http.app import build
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from tests.core.test_agent_views import BROKER, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot


class Host:
    """Its broker applies `epoch` as soon as it is asked."""

    def __init__(self) -> None:
        self.now = snapshot(reported())
        self.epoch = 7
        self.refreshed = 0
        self.five_times = asyncio.Event()

    def snapshot(self) -> Snapshot:
        return self.now

    async def refresh(self) -> None:
        self.refreshed += 1
        if self.refreshed == 5:
            self.five_times.set()
        self.now = snapshot(reported())
        assert self.now.told is not None
        self.now.told.report.epoch = self.epoch


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def client(host: Host, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    server = HttpServer("127.0.0.1", 0, str(tmp_path / "agent.sock"))
    server.start(build(host, "0", Shelf(tmp_path, "host-1", "0")))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as made:
        yield made
    await server.stop()


async def asked(client: httpx.AsyncClient, query: str = "") -> tuple[int, dict[str, Any]]:
    answer = await client.get(f"/epoch{query}")
    return answer.status_code, answer.json()


async def test_it_is_told_at_once(client: httpx.AsyncClient):
    status, document = await asked(client)
    assert (status, document["epoch"], document["applied"]) == (200, 7, 7)
    assert document["as_of"]
    assert "reached" not in document


async def test_what_is_reached_is_answered_at_once(client: httpx.AsyncClient):
    for at_least in (0, 7):
        status, document = await asked(client, f"?at_least={at_least}&timeout=60")
        assert (status, document["reached"]) == (200, True)


async def test_who_waits_is_answered_when_it_is_reached_and_the_broker_asked_for_all_of_them(
    client: httpx.AsyncClient, host: Host
):
    waiting = [asyncio.create_task(asked(client, "?at_least=8&timeout=60")) for _ in range(20)]
    async with asyncio.timeout(10):
        await host.five_times.wait()
    assert not any(task.done() for task in waiting)
    host.epoch = 9
    async with asyncio.timeout(10):
        answers = await asyncio.gather(*waiting)
    assert {(status, document["epoch"], document["reached"]) for status, document in answers} == {(200, 9, True)}
    asked_for = host.refreshed
    assert asked_for < 20
    await asyncio.sleep(0.5)
    assert host.refreshed == asked_for  # nobody waits: nobody is asked


async def test_at_the_end_of_the_time_the_status_says_so(client: httpx.AsyncClient):
    status, document = await asked(client, "?at_least=8&timeout=0.05")
    assert (status, document["epoch"], document["reached"]) == (408, 7, False)


async def test_without_a_broker_nobody_is_waited_for(client: httpx.AsyncClient, host: Host):
    host.now = snapshot(broker=BROKER, told=None)
    assert (await asked(client, "?at_least=8"))[0] == 503


@pytest.mark.parametrize(
    "query",
    [
        *("?at_least=", "?at_least=-1", "?at_least=1e3", "?at_least=٣", f"?at_least={'9' * 19}"),
        *("?timeout=5", "?at_least=1&timeout=soon", "?at_least=1&timeout=nan", "?at_least=1&timeout=61"),
        "?at_least=1&timeout=-1",
    ],
)
async def test_what_means_nothing_is_400_with_an_example(client: httpx.AsyncClient, query: str):
    status, document = await asked(client, query)
    assert status == 400
    assert "at_least=42" in document["hint"]
