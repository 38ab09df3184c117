"""The console's own HTTP client against real sockets: connections kept and lost, bounds on time and size, odd ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from h2o_console.feed.agents import Agents, OutOfReach
from h2o_console.feed.connection import Address

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"a": 1}'


class Server:
    """Counts connections, keeps the heads of what is asked."""

    def __init__(self, answer: Callable[[Server, asyncio.StreamWriter, int], Awaitable[bool]]) -> None:
        self.answer = answer
        self.connections = 0
        self.heads: list[str] = []
        self.address = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                if not await self.answer(self, writer, len(self.heads)):
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    answer: Callable[[Server, asyncio.StreamWriter, int], Awaitable[bool]], path: Path | None = None
) -> AsyncGenerator[Server]:
    served = Server(answer)
    if path is not None:
        server = await asyncio.start_unix_server(served.serve, path)
        served.address = f"unix:{path}"
    else:
        server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
        served.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield served
    finally:
        server.close()


async def friendly(_served: Server, writer: asyncio.StreamWriter, _number: int) -> bool:
    writer.write(OK)
    return True


@pytest.fixture
async def agents() -> AsyncGenerator[Agents]:
    made = Agents(2.0, token="secret")
    yield made
    made.close()


async def test_a_connection_is_kept_and_the_token_shown_to_others_alone(agents: Agents, tmp_path: Path) -> None:
    async with serving(friendly) as tcp, serving(friendly, tmp_path / "s") as unix:
        for address in (tcp.address, unix.address):
            for _ in range(3):
                assert await agents.document(address, "/hosts") == {"a": 1}
        assert (tcp.connections, unix.connections) == (1, 1)
        assert tcp.heads[0].startswith(f"GET /hosts HTTP/1.1\r\nHost: {tcp.address}\r\nAccept: application/json\r\n")
        assert "Authorization: Bearer secret\r\n" in tcp.heads[0]
        assert "Authorization" not in unix.heads[0]


async def test_questions_to_one_agent_wait_for_one_another(agents: Agents) -> None:
    async with serving(friendly) as served:
        answers = await asyncio.gather(*(agents.document(served.address, f"/{n}") for n in range(10)))
        assert answers == [{"a": 1}] * 10
        assert served.connections == 1


async def test_one_that_was_kept_too_long_is_opened_again(agents: Agents) -> None:
    async def once(_served: Server, writer: asyncio.StreamWriter, number: int) -> bool:
        if number == 2:
            return False  # it hangs up on the second question, as a server does that has just had enough of waiting
        writer.write(OK)
        return True

    async with serving(once) as served:
        assert await agents.document(served.address, "/a") == {"a": 1}
        assert await agents.document(served.address, "/b") == {"a": 1}
        assert served.connections == 2


async def test_close_after_each_answer_is_heeded(agents: Agents) -> None:
    async def closing(_served: Server, writer: asyncio.StreamWriter, _number: int) -> bool:
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        return False

    async with serving(closing) as served:
        for _ in range(3):
            assert await agents.document(served.address, "/") == {"a": 1}
        assert served.connections == 3


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "the connection ended without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc", "the connection ended in the middle of its answer"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "what answers there speaks no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 70000000\r\n\r\n", "its answer is longer than 32 MiB"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
            "what answers there is no agent: its answer is not a JSON object",
        ),
        (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", "it answers 500"),
        (b"HTTP/1.1 304 No\r\n\r\n", "what answers there is no agent: its answer is not a JSON object"),
        (b'HTTP/1.1 503 No\r\nContent-Length: 18\r\n\r\n{"error": "it is"}', "it is"),
    ],
)
async def test_what_is_no_good_is_a_sentence(agents: Agents, said: bytes, why: str) -> None:
    async def odd(_served: Server, writer: asyncio.StreamWriter, _number: int) -> bool:
        writer.write(said)
        return False

    async with serving(odd) as served:
        with pytest.raises(OutOfReach) as caught:
            await agents.document(served.address, "/")
        assert caught.value.why == why


async def test_an_answer_without_end_is_cut_off(agents: Agents, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("h2o_console.feed.agents.MOST_BYTES", 1 << 20)

    async def endless(_served: Server, writer: asyncio.StreamWriter, _number: int) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * (1 << 16) + b"\r\n")
            await writer.drain()

    async with serving(endless) as served:
        with pytest.raises(OutOfReach, match="longer than 1 MiB"):
            await agents.document(served.address, "/")


async def test_who_hangs_in_the_middle_is_given_up_and_asked_anew() -> None:
    async def hanging(_served: Server, writer: asyncio.StreamWriter, number: int) -> bool:
        writer.write(OK if number > 1 else b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")
        return True

    agents = Agents(0.2)
    async with serving(hanging) as served:
        with pytest.raises(OutOfReach, match=r"no answer in 0\.2 s"):
            await agents.document(served.address, "/")
        assert await agents.document(served.address, "/") == {"a": 1}, "the late half is nobody's answer"
        assert served.connections == 2
    agents.close()


async def test_protobuf_is_asked_for_and_304_says_that_nothing_is_new(agents: Agents) -> None:
    async def tagged(served: Server, writer: asyncio.StreamWriter, _number: int) -> bool:
        if 'If-None-Match: W/"7"\r\n' in served.heads[-1]:
            writer.write(b'HTTP/1.1 304 Not Modified\r\nETag: W/"7"\r\n\r\n')
        else:
            kind = b"Content-Type: application/x-protobuf; charset=none"
            writer.write(b'HTTP/1.1 200 OK\r\nETag: W/"7"\r\n' + kind + b"\r\nContent-Length: 2\r\n\r\n\xff\x00")
        return True

    async with serving(tagged) as served:
        assert await agents.message(served.address, "/stats") == (b"\xff\x00", 'W/"7"')
        assert await agents.message(served.address, "/stats", 'W/"7"') == (None, 'W/"7"')
        assert "Accept: application/x-protobuf\r\n" in served.heads[0]
        assert served.connections == 1


@pytest.mark.parametrize(
    ("said", "host", "port"),
    [
        ("http://127.0.0.1:8101", "127.0.0.1", 8101),
        ("host-7.example:1/", "host-7.example", 1),
        ("[::1]:99", "::1", 99),
        ("http://h", "h", 80),
    ],
)
def test_addresses(said: str, host: str, port: int) -> None:
    address = Address(said)
    assert (address.host, address.port, address.unix_path) == (host, port, "")


@pytest.mark.parametrize(
    "said",
    ["", "http://", "https://x:1", "a b:1", "x:0", "x:65536", "x:1/y", "x:1\r\nEvil: 1", "é:1", "::1:80", "unix:"],
)
async def test_what_is_no_address_is_a_sentence(agents: Agents, said: str) -> None:
    with pytest.raises(OutOfReach, match="that is no address of an agent"):
        await agents.document(said, "/")


async def test_nobody_there(agents: Agents, tmp_path: Path) -> None:
    async with serving(friendly) as served:
        address = served.address
    with pytest.raises(OutOfReach, match="connection refused"):
        await agents.document(address, "/")
    with pytest.raises(OutOfReach, match="no such socket"):
        await agents.document(f"unix:{tmp_path}/none", "/")
