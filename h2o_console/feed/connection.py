"""One kept connection to an agent, TCP or Unix socket: GETs one after the other, each bound in time by its caller.

asyncio and nothing else: a client library took 0.5 ms for each request, four times what everything else about it takes
(decision on the console's own HTTP client, docs/decisions).
"""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from h2o_console.feed.response import BadResponse, Response, ResponseReader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

LANDING_BYTES: Final = 128 << 10
"""A full host's counters in one portion."""
_PORT: Final = 80
_TCP: Final = re.compile(r"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::([0-9]{1,5}))?")


class Address:
    """``unix:<path>``, ``http://host:port``, ``host:port``; `name` is what stands in the Host field."""

    def __init__(self, said: str) -> None:
        """Raises ValueError when it is none."""
        self.unix_path = said.removeprefix("unix:") if said.startswith("unix:") else ""
        self.host, self.port, self.name = "", 0, "agent"
        if self.unix_path:
            return
        self.name = said.removeprefix("http://").rstrip("/")
        found = _TCP.fullmatch(self.name)
        if found is None or not 0 < int(found.group(2) or _PORT) < 1 << 16:
            msg = "that is no address of an agent: unix:PATH or http://HOST:PORT"
            raise ValueError(msg)
        self.host, self.port = found.group(1).strip("[]"), int(found.group(2) or _PORT)


class Connection:
    """Connects when it is first asked, and again when the other side has hung up. *address* as `Address` has it."""

    def __init__(self, address: Address, most_bytes: int, landing: bytearray) -> None:
        """*landing*: where bytes land before they are read; connections of one loop may share it."""
        self._address = address
        self._most_bytes = most_bytes
        self._landing = landing
        self._wire: _Wire | None = None
        self._turn = asyncio.Lock()

    async def get(self, path: str, fields: str) -> Response:
        """The answer; *fields* are header lines, each with its CRLF. Raises BadResponse and OSError."""
        head = f"GET {path} HTTP/1.1\r\nHost: {self._address.name}\r\n{fields}\r\n".encode()
        async with self._turn, self._careful():
            reused = self._wire is not None and self._wire.idle
            if reused:
                try:
                    return await self._ask(head)
                except (ConnectionError, _HungUp):
                    pass  # it closed what it had kept for long; a GET may be asked again
            await self._connect()
            return await self._ask(head)

    @asynccontextmanager
    async def _careful(self) -> AsyncGenerator[None]:
        """A connection whose answer was not read to its end is of no use to anybody."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    async def _connect(self) -> None:
        self.close()
        loop, wired = asyncio.get_running_loop(), partial(_Wire, self._landing)
        if self._address.unix_path:
            _, wire = await loop.create_unix_connection(wired, self._address.unix_path)
        else:
            _, wire = await loop.create_connection(wired, self._address.host, self._address.port)
        self._wire = wire

    async def _ask(self, head: bytes) -> Response:
        wire = self._wire
        assert wire is not None
        try:
            response = await wire.ask(head, ResponseReader(self._most_bytes))
        finally:
            if wire.response is None or not wire.response.reusable:
                self.close()
        return response

    def close(self) -> None:
        """Hang up. Idempotent."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()


class _HungUp(BadResponse):
    """Before anything of an answer came."""


class _Wire(asyncio.BufferedProtocol):
    """The connection's bytes; one question at a time.

    Buffered: else asyncio takes 256 kB of fresh memory for each portion, which costs more than reading it.
    """

    def __init__(self, landing: bytearray) -> None:
        self._landing = memoryview(landing)
        self.response: Response | None = None
        self._transport: asyncio.Transport | None = None
        self._reader: ResponseReader | None = None
        self._waiting: asyncio.Future[Response] | None = None

    @property
    def idle(self) -> bool:
        """It can be asked."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, head: bytes, reader: ResponseReader) -> Response:
        """Send *head*; what *reader* makes of the answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            msg = "the connection is closed"
            raise ConnectionResetError(msg)
        self.response, self._reader = None, reader
        self._waiting = asyncio.get_running_loop().create_future()
        transport.write(head)
        return await self._waiting

    def close(self) -> None:
        """At once: what is still to come is of no interest."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is up."""
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next portion lands."""
        del sizehint
        return self._landing

    def buffer_updated(self, nbytes: int) -> None:
        """A part of the answer, or something that nobody has asked for."""
        if self._reader is None:
            self.close()
            return
        try:
            response = self._reader.feed(self._landing[:nbytes])
        except BadResponse as error:
            self._fail(error)
            return
        if response is not None:
            self._settle(response)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is down."""
        self._transport = None
        reader = self._reader
        if reader is None:
            return
        try:
            self._settle(reader.end())
        except BadResponse as error:
            self._fail(exc or (error if reader.begun else _HungUp(str(error))))

    def _settle(self, response: Response) -> None:
        self.response, self._reader = response, None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(response)

    def _fail(self, error: Exception) -> None:
        self._reader = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(error)
