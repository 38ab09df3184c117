"""What a client of the agent may take: connections, time for head and body, bytes, and time to read its answer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from h2o_agent.http.connection import Bounds
from h2o_agent.http.doors import MOST_PER_ADDRESS
from h2o_agent.http.server import HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]

HASTE: Final = Bounds(head_s=0.3, body_s=0.3, stall_s=0.3)
BOUND_S: Final = 10.0
HUGE_BYTES: Final = 32 << 20
ASK: Final = b"GET /short HTTP/1.1\r\nHost: agent\r\n\r\n"


class Served:
    """A server with short, long and never ending answers."""

    def __init__(self, directory: Path) -> None:
        self.socket = directory / "agent.sock"
        self.server = HttpServer("127.0.0.1", 0, str(self.socket), HASTE)
        self.open = asyncio.Event()
        self.cut_off = 0

    def app(self) -> Starlette:
        async def short(_: Request) -> Response:
            return PlainTextResponse("short")

        async def huge(_: Request) -> Response:
            return Response(bytes(HUGE_BYTES))

        async def waits(_: Request) -> Response:
            await self.open.wait()
            return PlainTextResponse("waited")

        async def endless(_: Request) -> Response:
            async def parts() -> AsyncGenerator[bytes]:
                while True:
                    yield bytes(16 << 10)
                    await asyncio.sleep(0)

            return StreamingResponse(parts())

        return Starlette(
            routes=[
                Route("/short", short, methods=["GET", "POST"]),
                Route("/huge", huge),
                Route("/waits", waits),
                Route("/endless", endless),
            ]
        )

    async def tcp(self) -> Pair:
        return await asyncio.open_connection("127.0.0.1", self.server.port)

    async def unix(self) -> Pair:
        return await asyncio.open_unix_connection(str(self.socket))


@pytest.fixture
async def served(tmp_path: Path) -> AsyncGenerator[Served]:
    made = Served(tmp_path)
    made.server.start(made.app())
    yield made
    made.open.set()
    await made.server.stop()


@asynccontextmanager
async def connected(connect: Callable[[], Awaitable[Pair]]) -> AsyncGenerator[Pair]:
    reader, writer = await connect()
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """What comes until the server closes; it must, within the bound."""
    read = bytearray()
    async with asyncio.timeout(BOUND_S):
        with suppress(ConnectionError):
            while chunk := await reader.read(1 << 16):
                read += chunk
    return bytes(read)


async def trickle(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, until nobody takes it."""
    with suppress(ConnectionError):
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)


@asynccontextmanager
async def trickling(writer: asyncio.StreamWriter) -> AsyncGenerator[None]:
    task = asyncio.create_task(trickle(writer))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_who_says_nothing_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, _):
        assert (await rest(reader)).startswith(b"HTTP/1.1 408")


async def test_a_head_that_trickles_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /short HTTP/1.1\r\nX: ")
        async with trickling(writer):
            assert (await rest(reader)).startswith(b"HTTP/1.1 408")


async def test_the_second_head_of_a_connection_has_no_more_time_than_the_first(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(ASK)
        assert (await reader.readuntil(b"short")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(HASTE.head_s * 2)  # idle is not slow
        writer.write(ASK)
        assert (await reader.readuntil(b"short")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET /sh")
        async with trickling(writer):
            assert (await rest(reader)).startswith(b"HTTP/1.1 408")


async def test_a_head_without_end_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /short HTTP/1.1\r\nX: " + b"x" * (64 << 10))
        assert (await rest(reader)).startswith(b"HTTP/1.1 400")


async def test_a_body_that_trickles_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        async with trickling(writer):
            assert (await rest(reader)).endswith(b"short")  # it was answered, and then closed


async def test_a_body_of_many_bytes_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /waits HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
        writer.write(bytes(HASTE.body_bytes + 1))
        assert (await rest(reader)).startswith(b"HTTP/1.1 413")


async def test_a_small_body_is_no_offence(served: Served):
    async with connected(served.tcp) as (reader, writer):
        body = b"POST /short HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        writer.write(body + body + ASK.replace(b"Host", b"Connection: close\r\nHost"))
        assert (await rest(reader)).count(b"HTTP/1.1 200") == 3


async def test_who_does_not_read_its_answer_is_cut_off(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(HASTE.stall_s * 4)
        assert len(await rest(reader)) < HUGE_BYTES


async def test_who_reads_slowly_but_reads_gets_all(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /huge HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"content-length: %d" % HUGE_BYTES in head
        got = 0
        while chunk := await reader.read(4 << 20):
            got += len(chunk)
            await asyncio.sleep(0.01)
        assert got == HUGE_BYTES


async def test_who_reads_an_answer_without_an_end_is_not_cut_off_because_it_is_never_done(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        until_s = asyncio.get_running_loop().time() + HASTE.stall_s * 5
        while asyncio.get_running_loop().time() < until_s:
            assert await reader.read(1 << 20), "it was cut off"
            await asyncio.sleep(0.005)
        await asyncio.sleep(HASTE.stall_s * 4)
        while await reader.read(1 << 20):  # and one that stops reading is
            pass


async def test_a_long_answer_is_waited_for(served: Served):
    async with connected(served.tcp) as (reader, writer):
        writer.write(b"GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(HASTE.head_s * 3)
        served.open.set()
        assert (await rest(reader)).endswith(b"waited")


async def test_a_crowd_of_slow_ones_keeps_nobody_from_asking(served: Served):
    crowd = [await served.tcp() for _ in range(400)]
    for _, writer in crowd:
        writer.write(b"GET /short HTTP/1.1\r\nX-Slow: ")
    for _ in range(20):
        async with connected(served.tcp) as (reader, writer), asyncio.timeout(BOUND_S):
            writer.write(ASK)
            await reader.readuntil(b"short")
    first = await rest(crowd[0][0])
    assert first == b""  # it made room, and was not told a time-out
    for _, writer in crowd:
        writer.close()


async def test_who_is_being_answered_is_not_put_out_and_the_unix_socket_has_room(served: Served):
    busy = [await served.tcp() for _ in range(MOST_PER_ADDRESS)]
    for _, writer in busy:
        writer.write(b"GET /waits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    async with asyncio.timeout(BOUND_S):
        answer = b""
        while not answer.startswith(b"HTTP/1.1 503"):  # until the last one of them is being answered
            async with connected(served.tcp) as (reader, _):
                answer = await rest(reader)
    async with connected(served.unix) as (reader, writer):
        writer.write(ASK)
        assert (await reader.readuntil(b"short")).startswith(b"HTTP/1.1 200")
    served.open.set()
    for reader, writer in busy:
        assert (await rest(reader)).endswith(b"waited")
        writer.close()
