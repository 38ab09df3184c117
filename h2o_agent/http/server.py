"""The HTTP server: one application on a TCP port and on the Unix socket, uvicorn without its own signals."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import uvicorn

from h2o_agent.http.connection import BoundedProtocol, Bounds
from h2o_agent.http.doors import Doors, most_for
from h2o_core.io.place import CannotStart

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.applications import Starlette

_MAX_HEAD_BYTES: Final = 16 << 10
_KEEP_ALIVE_S: Final = 30
_SHUTDOWN_S: Final = 1
_AT_ONCE: Final = 64
_KNOCKING: Final = 1024


class _Server(uvicorn.Server):
    """Signals are the agent's: they mean that the host leaves, not that one server ends."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave them alone."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """A burst is to wait at the door, not inside: asyncio takes in as many at once as may knock."""
        await super().startup(sockets)
        for each in sockets or []:
            each.listen(_KNOCKING)


class HttpServer:
    """Binds when it is made, serves from `start` to `stop`."""

    def __init__(self, bind: str, port: int, socket_path: str, bounds: Bounds | None = None) -> None:
        """A *port* of 0 becomes a free one, see `port`; raises CannotStart when the address can't be had."""
        try:
            self._tcp = _listen_tcp(bind, port)
        except OSError as error:
            msg = f"http_bind {bind}, http_port {port}: {error.strerror or error}; choose others in the host file"
            raise CannotStart(msg, 2) from None
        self._path = Path(socket_path)
        try:
            self._unix = _listen_unix(self._path)
        except OSError as error:
            self._tcp.close()
            msg = f"{socket_path}: {error.strerror or error}; choose another run_dir in the host file"
            raise CannotStart(msg, 2) from None
        self._bounds = bounds or Bounds()
        self._most = most_for(_descriptors())
        self.port: int = self._tcp.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._serving: asyncio.Task[None] | None = None

    def start(self, app: Starlette) -> asyncio.Task[None]:
        """Serve; the task ends with `stop`, or with the error that ended it."""
        protocol = partial(BoundedProtocol, doors=Doors(self._most), bounds=self._bounds)
        config = uvicorn.Config(
            app,
            http=cast("type[asyncio.Protocol]", protocol),
            backlog=_AT_ONCE,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_MAX_HEAD_BYTES,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve([self._tcp, self._unix]))
        return self._serving

    async def stop(self) -> None:
        """Answer what was asked, then close. Idempotent."""
        if self._server is not None and self._serving is not None:
            self._server.should_exit = True
            with suppress(Exception):
                await self._serving
        self._tcp.close()
        self._unix.close()
        self._path.unlink(missing_ok=True)


def _descriptors() -> int:
    """How many this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 20 if soft == resource.RLIM_INFINITY else soft


def _listen_tcp(bind: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((bind, port))
        listener.listen(_AT_ONCE)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    return listener


def _listen_unix(path: Path) -> socket.socket:
    """The agent holds the directory's lock, so a socket that is there is a dead agent's."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    umask = os.umask(0o177)
    try:
        listener.bind(str(path))
        listener.listen(_AT_ONCE)
        listener.settimeout(0)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(umask)
    return listener
