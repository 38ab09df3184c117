"""One GET of an agent, whose answer is read as it comes: HTTP/1.1 by hand, chunked or not.

httpx would cost `h2o logs` a fifth of a second at start; a log's answer needs a page of code.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from h2o_console.logs.question import Target

_MOST_HEAD: Final = 16 << 10
_READ_BYTES: Final = 64 << 10
_MOST_ERROR: Final = 64 << 10


class StreamBroken(Exception):
    """No answer, or not to its end; the sentence says why."""


class StreamRefused(Exception):
    """The agent answers, but not with logs. `status`: HTTP's."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint


async def body_of(target: Target, path: str, silence_s: float) -> AsyncGenerator[bytes]:
    """The body of a 200, piece by piece; raises StreamBroken, StreamRefused.

    *silence_s* bounds connecting and every wait for bytes.
    """
    writer = None
    if not target.address:
        msg = "no agent of that host is in the register"
        raise StreamBroken(msg)
    try:
        async with asyncio.timeout(silence_s):
            reader, writer = await _connect(target.address)
            writer.write(_request(target, path))
            status, headers = _head(await reader.readuntil(b"\r\n\r\n"))
        pieces = _pieces(reader, headers, silence_s)
        if status != 200:
            raise await _refusal(status, pieces)
        async for piece in pieces:
            yield piece
    except TimeoutError:
        msg = f"nothing from it for {silence_s:g} s"
        raise StreamBroken(msg) from None
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        msg = "it broke off its answer"
        raise StreamBroken(msg) from None
    except (OSError, ValueError) as error:
        raise StreamBroken(_why(error)) from None
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _connect(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if address.startswith("unix:"):
        return await asyncio.open_unix_connection(address.removeprefix("unix:"), limit=_READ_BYTES)
    host, _, port = address.removeprefix("http://").rstrip("/").rpartition(":")
    return await asyncio.open_connection(host.strip("[]"), int(port), limit=_READ_BYTES)


def _request(target: Target, path: str) -> bytes:
    token = f"Authorization: Bearer {target.token}\r\n" if target.token else ""
    return f"GET {path} HTTP/1.1\r\nHost: agent\r\n{token}Connection: close\r\n\r\n".encode("ascii")


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    """Raises ValueError for what is no HTTP."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdecimal() or len(head) > _MOST_HEAD:
        msg = "what answers there speaks no HTTP"
        raise ValueError(msg)
    pairs = (line.partition(":") for line in lines)
    return int(rest[:3]), {key.strip().lower(): value.strip() for key, _, value in pairs}


async def _pieces(reader: asyncio.StreamReader, headers: dict[str, str], silence_s: float) -> AsyncGenerator[bytes]:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = headers.get("content-length")
        left = int(length) if length is not None else None
        async for piece in _exactly(reader, left, silence_s):
            yield piece
        return
    while True:
        async with asyncio.timeout(silence_s):
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0].strip(), 16)
        if size < 0:
            msg = "a chunk of less than nothing"
            raise ValueError(msg)
        if not size:
            return
        async for piece in _exactly(reader, size, silence_s):
            yield piece
        if await reader.readexactly(2) != b"\r\n":
            msg = "a chunk without its end"
            raise ValueError(msg)


async def _exactly(reader: asyncio.StreamReader, left: int | None, silence_s: float) -> AsyncGenerator[bytes]:
    """*left* bytes, or all until the connection's end."""
    while left is None or left > 0:
        async with asyncio.timeout(silence_s):
            piece = await reader.read(_READ_BYTES if left is None else min(left, _READ_BYTES))
        if not piece:
            if left is None:
                return
            raise asyncio.IncompleteReadError(bytes(), left)  # noqa: UP018 - EM101 takes b"" for a message
        if left is not None:
            left -= len(piece)
        yield piece


async def _refusal(status: int, pieces: AsyncGenerator[bytes]) -> StreamRefused:
    body = b""
    async for piece in pieces:
        body += piece
        if len(body) > _MOST_ERROR:
            break
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        return StreamRefused(status, f"it answers {status}")
    return StreamRefused(status, str(said.get("error", f"it answers {status}")), str(said.get("hint", "")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - JSON


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return str(error)
