"""Reading many agents' logs: real servers, broken connections, hostile answers, one order by time."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from h2o_agent.http.app import build
from h2o_agent.http.server import HttpServer
from h2o_agent.logs.shelf import Shelf
from h2o_console.logs.entries import Batch, Kind
from h2o_console.logs.question import Question, Target
from h2o_console.logs.reading import Places, follow, read
from h2o_core.io.clock import unix_s
from h2o_core.logs import Entry, Severity
from tests.core.test_agent_views import child, reported, snapshot

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from h2o_agent.snapshot import Snapshot

KEY = "service.customer-abc123-1"


class Agent:
    """A host's logs behind a real server, which can be stopped and started."""

    def __init__(self, directory: Path, host: str) -> None:
        self.host = host
        self.logs = directory / host
        self.logs.mkdir()
        self.socket = directory / f"{host}.sock"
        self.target = Target(host, f"unix:{self.socket}")
        self.start()

    def start(self) -> None:
        self.shelf = Shelf(self.logs, self.host, "0.1.0")
        self.server = HttpServer("127.0.0.1", 0, str(self.socket))
        self.server.start(build(self, "0.1.0", self.shelf))

    async def stop(self) -> None:
        self.shelf.closing = True
        await self.server.stop()

    def snapshot(self) -> Snapshot:
        return snapshot(reported(), children=(child(),))

    async def refresh(self) -> None:
        pass

    def write(self, body: str, at_s: float | None = None) -> None:
        entry = Entry(unix_s() if at_s is None else at_s, Severity.INFO, body, resource={"host.name": self.host})
        with (self.logs / f"{KEY}.log").open("ab") as file:
            file.write(entry.line().encode() + b"\n")


@pytest.fixture
async def agents(tmp_path: Path) -> AsyncIterator[list[Agent]]:
    made = [Agent(tmp_path, host) for host in ("host-1", "host-2")]
    yield made
    for agent in made:
        await agent.stop()


async def everything(batches: AsyncGenerator[Batch]) -> tuple[list[str], list[tuple[Kind, str]]]:
    lines: list[str] = []
    notices: list[tuple[Kind, str]] = []
    async for batch in batches:
        lines += [line.entry.body for line in batch.lines]
        notices += [(notice.kind, notice.host) for notice in batch.notices]
    return lines, notices


async def test_what_is_there_is_in_order_of_time(agents: list[Agent]):
    for number in range(300):
        agents[number % 2].write(str(number), 1000 + number)
    targets = [agent.target for agent in agents]
    assert await everything(read(targets, Question(since="2001-01-01T00:00:00Z"))) == ([], [])
    lines, notices = await everything(read(targets, Question(since="1970-01-01T00:00:00Z")))
    assert (lines, notices) == ([str(number) for number in range(300)], [])
    lines, _ = await everything(read(targets, Question(tail=3, packages=("service/customer",))))
    assert lines == ["297", "298", "299"]


async def test_hosts_that_do_not_answer_and_those_that_have_nothing_are_named(agents: list[Agent], tmp_path: Path):
    agents[0].write("one")
    gone = Target("host-9", f"unix:{tmp_path}/none.sock")
    lines, notices = await everything(read([agents[0].target, gone], Question()))
    assert (lines, notices) == (["one"], [(Kind.LOST, "host-9")])
    lines, notices = await everything(read([agents[0].target], Question(packages=("service/geo",))))
    assert (lines, notices) == ([], [(Kind.NOTHING, "host-1")])


async def test_following_over_the_end_of_an_agent_loses_and_doubles_nothing(agents: list[Agent]):
    agents[0].write("old")
    seen: list[str] = []
    notices: list[tuple[Kind, str]] = []

    async def until(condition: Callable[[], bool], batches: AsyncGenerator[Batch]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                batch = await anext(batches)
                seen.extend(line.entry.body for line in batch.lines)
                notices.extend((notice.kind, notice.host) for notice in batch.notices)

    async with aclosing(follow([agent.target for agent in agents], Question(tail=10))) as batches:
        await until(lambda: seen == ["old"], batches)
        agents[0].write("1")
        agents[1].write("2")
        await until(lambda: len(seen) == 3, batches)
        await agents[1].stop()
        agents[1].write("while it was away")
        await until(lambda: (Kind.LOST, "host-2") in notices, batches)
        agents[1].start()
        await until(lambda: len(seen) == 4, batches)
        agents[1].write("after it")
        await until(lambda: len(seen) == 5, batches)
    assert seen == ["old", "1", "2", "while it was away", "after it"]
    assert notices == [(Kind.LOST, "host-2"), (Kind.BACK, "host-2")]


@pytest.fixture
async def raw(tmp_path: Path) -> AsyncIterator[Callable[[bytes], Awaitable[Target]]]:
    """Serves these bytes to whoever connects, and ends the connection."""
    servers: list[asyncio.Server] = []

    async def serve(answer: bytes) -> Target:
        async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            for at in range(0, len(answer), 7):
                writer.write(answer[at : at + 7])
                await writer.drain()
            writer.close()

        path = tmp_path / f"raw-{len(servers)}.sock"
        servers.append(await asyncio.start_unix_server(answered, str(path)))
        return Target("host-1", f"unix:{path}")

    yield serve
    for server in servers:
        server.close()


LINE = Entry(1000.0, Severity.INFO, "x", resource={"host.name": "host-1"}).line().encode()
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(*parts: bytes) -> bytes:
    return b"".join(b"%x;extension=1\r\n%s\r\n" % (len(part), part) for part in parts)


@pytest.mark.parametrize(
    ("answer", "lines", "kinds"),
    [
        (CHUNKED + chunked(LINE[:9], LINE[9:] + b'\n{"cur', b'sor":"c"}\n') + b"0\r\n\r\n", ["x"], []),
        (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(LINE) + 15) + LINE + b'\n{"cursor":"c"}', [], []),
        (b'HTTP/1.0 200 OK\r\n\r\n{"cursor":"c"}\n', [], []),
        (CHUNKED + chunked(LINE + b'\n{"cursor":"c"}\n' + LINE + b"\n"), ["x"], [Kind.LOST]),
        (CHUNKED + b"zz\r\n", [], [Kind.LOST]),
        (CHUNKED + b"-5\r\n", [], [Kind.LOST]),
        (CHUNKED + b"5\r\nabcdefgh", [], [Kind.LOST]),
        (CHUNKED + chunked(b"no json\n"), [], [Kind.LOST]),
        (CHUNKED + chunked(b"[1]\n"), [], [Kind.LOST]),
        (b"SSH-2.0-OpenSSH\r\n\r\n", [], [Kind.LOST]),
        (b"", [], [Kind.LOST]),
        (b'HTTP/1.1 503 no\r\nContent-Length: 16\r\n\r\n{"error":"full"}', [], [Kind.LOST]),
        (b"HTTP/1.1 404 no\r\nContent-Length: 4\r\n\r\nnono", [], [Kind.NOTHING]),
    ],
)
async def test_whatever_answers(
    raw: Callable[[bytes], Awaitable[Target]], answer: bytes, lines: list[str], kinds: list[Kind]
):
    found, notices = await everything(read([await raw(answer)], Question()))
    assert found == lines
    assert [kind for kind, _ in notices] == kinds


async def test_a_batch_without_its_cursor_is_not_given_out(raw: Callable[[bytes], Awaitable[Target]]):
    places = Places()
    target = await raw(CHUNKED + chunked(LINE + b'\n{"cursor":"first"}\n' + LINE + b"\n"))
    found, _ = await everything(read([target], Question(), places))
    assert (found, places.cursors) == (["x"], {"host-1": "first"})


async def test_one_who_is_silent_is_lost(raw: Callable[[bytes], Awaitable[Target]], tmp_path: Path):
    path = tmp_path / "silent.sock"
    held = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await held.wait()
        writer.close()

    server = await asyncio.start_unix_server(silent, str(path))
    found = await everything(read([Target("host-1", f"unix:{path}")], Question(), silence_s=0.05))
    held.set()
    server.close()
    assert found == ([], [(Kind.LOST, "host-1")])
