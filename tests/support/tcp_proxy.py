"""A TCP proxy that can refuse, stall, cut and lie: the network's faults, on loopback."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self


class TcpProxy:
    """Listens on its own port and passes bytes on to *target* ("host:port"), as long as it is told to."""

    def __init__(self, target: str, bind: str = "127.0.0.1") -> None:
        self._bind = bind
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"{self._bind}:{self._server.sockets[0].getsockname()[1]}"

    @property
    def connections(self) -> int:
        """Clients connected at this moment."""
        return len(self._clients)

    def stall(self) -> None:
        """Connections stay, nothing gets through."""
        self._flowing.clear()

    def cut(self) -> None:
        """Close every connection, and every new one at once."""
        self._refusing = True
        for client in self._clients:
            client.transport.abort()

    def resume(self) -> None:
        """Pass on again."""
        self._refusing = False
        self._flowing.set()

    def inject(self, data: bytes) -> None:
        """Say *data* to every client, as if the target had."""
        for client in self._clients:
            client.write(data)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._bind)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._clients.add(writer)
        pipes = [
            asyncio.create_task(self._pipe(reader, upstream_writer)),
            asyncio.create_task(self._pipe(upstream_reader, writer)),
        ]
        self._pipes.update(pipes)
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        self._clients.discard(writer)
        for end in (writer, upstream_writer):
            end.transport.abort()
        self._pipes.difference_update(pipes)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._flowing.wait()
                sink.write(data)
                await sink.drain()
