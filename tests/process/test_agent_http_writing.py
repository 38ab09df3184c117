"""Writing over an agent's HTTP: what a hostile client sends gets no further than the guard, on real sockets."""

from __future__ import annotations

import asyncio
import json
import os
import pwd
import socket
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from h2o_agent.calls import Busy, Made, NoJournal
from h2o_agent.http.app import build
from h2o_agent.http.connection import Bounds
from h2o_agent.http.guard import Guard
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from h2o_core.access import Token
from h2o_core.errors import Code, H2OError
from h2o_core.io.calling import Asked, Found
from h2o_core.pb.manifest_pb2 import Feature
from tests.core.test_agent_views import child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot
    from h2o_core.audit import Author

WRITER, READER = "w" * 32, "r" * 32
SHOWN = {"Authorization": f"Bearer {WRITER}"}
BODY = {"feature": "service/echo/count", "request": "x"}
ME = f"{pwd.getpwuid(os.getuid()).pw_name}@host-1"
FOUND = Found(Feature(name="/service/echo/count"), False, "1.0", cast("Any", None), None, 1.0, "test", False)


class Host:
    def snapshot(self) -> Snapshot:
        return snapshot(reported(), children=(child(),))

    async def refresh(self) -> None:
        pass


@dataclass
class Calls:
    """Whoever would make the calls: it only notes them."""

    fleet: str = "test"
    made: list[tuple[Asked, str, Author, bool]] = field(default_factory=list[Any])
    problem: Exception | None = None

    async def look(self, asked: Asked) -> tuple[Found, Any]:
        return FOUND, "x"

    async def make(self, asked: Asked, text: str, author: Author, *, journalled: bool) -> Made:
        if self.problem is not None:
            raise self.problem
        self.made.append((asked, text, author, journalled))
        return Made(FOUND, "0a" * 16, json.loads(text), None, "calls/x", "")


@dataclass
class Agent:
    port: int
    socket_path: str
    calls: Calls

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/call"


@pytest.fixture
async def agent(tmp_path: Path) -> AsyncIterator[Agent]:
    calls = Calls()
    path = str(tmp_path / "agent.sock")
    server = HttpServer("127.0.0.1", 0, path, Bounds(body_s=0.5))
    guard = Guard((READER,), (), (Token(WRITER),), "host-1")
    server.start(build(Host(), "0", Shelf(tmp_path, "host-1", "0"), guard, caller=calls))
    yield Agent(server.port, path, calls)
    await server.stop()


@pytest.fixture
async def client(agent: Agent) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=10, trust_env=False) as made:
        yield made


async def test_a_write_token_writes_and_its_author_is_who_it_says(agent: Agent, client: httpx.AsyncClient):
    more = {"actor": "bob@laptop", "origin": "curl", "reason": "why"}
    answer = await client.post(agent.url, json={**BODY, **more}, headers=SHOWN)
    assert (answer.status_code, answer.json()["reply"]) == (200, "x")
    ((asked, text, author, journalled),) = agent.calls.made
    assert (asked.feature, text, journalled) == ("service/echo/count", '"x"', True)
    assert (author.actor, author.origin, author.reason, author.verified) == ("bob@laptop", "curl", "why", False)


async def test_on_the_unix_socket_the_kernel_says_who_it_is(agent: Agent):
    transport = httpx.AsyncHTTPTransport(uds=agent.socket_path)
    async with httpx.AsyncClient(transport=transport, timeout=10) as client:
        for _ in range(2):  # also for the next request of a connection
            assert (await client.post("http://agent/call", json={**BODY, "actor": "bob"})).status_code == 200
    (_, _, author, _), _ = agent.calls.made
    assert (author.actor, author.origin, author.verified) == (ME, "POST /call, as bob", True)


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({}, b"{}", 401),
        ({"Authorization": f"Bearer {READER}"}, b"{}", 403),
        ({**SHOWN, "Origin": "http://127.0.0.1"}, b"{}", 403),
        ({**SHOWN, "Content-Type": "text/plain"}, b"{}", 415),
        (SHOWN, b"", 400),
        (SHOWN, b"{", 400),
        (SHOWN, b"[1]", 400),
        (SHOWN, b"\xff\xfe", 400),
        (SHOWN, b"[" * 100_000, 400),
        (SHOWN, b'{"feature": "service/echo/count", "request": ' + b"[" * 900 + b"]" * 900 + b"}", (200, 400)),
        (SHOWN, b'{"feature": "service/echo/count", "request": NaN}', 400),
        (SHOWN, b'{"feature": "service/echo/count"}', 400),
        (SHOWN, b'{"request": 1}', 400),
        (SHOWN, b'{"fleet": "other", "feature": "service/echo/count", "request": 1}', 400),
        (SHOWN, b'{"x": "' + b"x" * (1 << 20) + b'"}', 413),
    ],
)
async def test_what_is_not_meant_to_be_is_refused_with_a_sentence(
    agent: Agent, client: httpx.AsyncClient, headers: dict[str, str], content: bytes, status: int | tuple[int, int]
):
    answer = await client.post(agent.url, content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.status_code in (status if isinstance(status, tuple) else (status,))
    if answer.status_code != 200:
        assert set(answer.json()) == {"error", "hint"}
        assert all(answer.json().values())
        assert agent.calls.made == []
    assert (await client.get(agent.url, params={"feature": "x"})).status_code == 200


async def test_a_body_without_a_length_is_bounded_as_well(agent: Agent, client: httpx.AsyncClient):
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65_536

    headers = {"Content-Type": "application/json", **SHOWN}
    try:
        answer = await client.post(agent.url, content=endless(), headers=headers)
        assert answer.status_code == 413
    except httpx.TransportError:  # it was still sending when the agent hung up
        pass
    assert agent.calls.made == []
    assert (await client.get(agent.url, params={"feature": "x"})).status_code == 200


def head(length: int, *more: str) -> bytes:
    lines = ["POST /call HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {length}", "Content-Type: application/json"]
    return "\r\n".join([*lines, *more, "", ""]).encode()


async def test_a_body_that_does_not_come_is_not_waited_for(agent: Agent):
    reader, writer = await asyncio.open_connection("127.0.0.1", agent.port)
    writer.write(head(100, f"Authorization: Bearer {WRITER}") + b"{")
    assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    writer.close()
    assert agent.calls.made == []


async def test_who_has_hung_up_on_tcp_is_not_taken_for_the_unix_socket(agent: Agent, client: httpx.AsyncClient):
    """Its request is read all the same, and it has no address any more: nor has who asks on the Unix socket."""
    body = json.dumps(BODY).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", agent.port)) as gone:  # the agent's loop is this one: it waits
            gone.sendall(head(len(body)) + body)
            gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert (await client.get(agent.url, params={"feature": "x"})).status_code == 200
    assert agent.calls.made == []


@pytest.mark.parametrize(
    ("problem", "status", "hint"),
    [
        (NoJournal("no journal"), 503, "journal: false"),
        (Busy("busy"), 503, "in a while"),
        (H2OError("gone", code=Code.UNAVAILABLE), 503, "h2o hosts"),
    ],
)
async def test_why_nothing_was_called(
    agent: Agent, client: httpx.AsyncClient, problem: Exception, status: int, hint: str
):
    agent.calls.problem = problem
    answer = await client.post(agent.url, json=BODY, headers=SHOWN)
    assert answer.status_code == status
    assert hint in answer.json()["hint"]


async def test_no_other_path_takes_a_post(agent: Agent, client: httpx.AsyncClient):
    for path in ("/stats", "/livez", "/call/", "/openapi.json", "/nothing"):
        answer = await client.post(agent.url.replace("/call", path), json=BODY, headers=SHOWN)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
