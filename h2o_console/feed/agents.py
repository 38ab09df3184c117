"""Asks agents over HTTP without blocking: Unix socket or TCP, a bound on time and size, connections kept."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_console.feed.connection import LANDING_BYTES, Address, Connection
from h2o_console.feed.response import BadResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.feed.response import Response

MOST_BYTES: Final = 32 << 20
"""More than the counters of a full host; a bound on what a stranger on that port can make us hold."""
JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
_NOT_MODIFIED: Final = 304
_OK: Final = 200


class OutOfReach(Exception):
    """No usable answer; the sentence says why, `hint` what to type ("" when nothing helps).

    `status`: what it answered instead; 0: nothing.
    """

    def __init__(self, why: str, hint: str = "", status: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint
        self.status = status


class Agents:
    """Connections to any number of agents; addresses are ``unix:<path>``, ``http://host:port`` or ``host:port``."""

    def __init__(self, timeout_s: float = 2.0, token: str = "") -> None:
        """*token*: what agents on other machines are shown."""
        self._timeout_s = timeout_s
        self._token = token
        self._connections: dict[str, Connection] = {}
        self._landing = bytearray(LANDING_BYTES)

    async def document(self, address: str, path: str) -> Mapping[str, Any]:
        """GET *path* as a JSON object; raises OutOfReach."""
        return parse_document(await self.text(address, path))

    async def text(self, address: str, path: str) -> bytes:
        """GET *path* as JSON, not parsed yet; raises OutOfReach."""
        return (await self._get(address, path, JSON, "")).body

    async def text_since(self, address: str, path: str, etag: str) -> tuple[bytes | None, str]:
        """As `text`, with its entity tag; None: *etag* still stands. Raises OutOfReach."""
        response = await self._get(address, path, JSON, etag)
        return (None, etag) if response.status == _NOT_MODIFIED else (response.body, response.headers.get("etag", ""))

    async def message(self, address: str, path: str, etag: str = "") -> tuple[bytes | None, str]:
        """GET *path* as protobuf: (its bytes, entity tag); None: *etag* still stands. Raises OutOfReach."""
        response = await self._get(address, path, PROTOBUF, etag)
        if response.status == _NOT_MODIFIED:
            return None, etag
        kind = response.headers.get("content-type", "").partition(";")[0].strip()
        if kind != PROTOBUF:
            parse_document(response.body)
            msg = "its agent does not answer in protobuf: it is older than this console"
            raise OutOfReach(msg, "upgrade H2O on that host")
        return response.body, response.headers.get("etag", "")

    async def _get(self, address: str, path: str, accept: str, etag: str) -> Response:
        """A 200, or a 304 for *etag*, within the time-out."""
        try:
            async with asyncio.timeout(self._timeout_s):
                response = await self._connection(address).get(path, self._fields(address, accept, etag))
        except TimeoutError:
            msg = f"no answer in {self._timeout_s:g} s"
            raise OutOfReach(msg) from None
        except BadResponse as error:
            raise OutOfReach(str(error)) from None
        except (OSError, ValueError) as error:  # an address may be anything
            raise OutOfReach(_why(error)) from None
        if response.status == _OK or (response.status == _NOT_MODIFIED and etag):
            return response
        said = parse_document(response.body)
        raise OutOfReach(
            str(said.get("error") or f"it answers {response.status}"), str(said.get("hint") or ""), response.status
        )

    def _fields(self, address: str, accept: str, etag: str) -> str:
        fields = f"Accept: {accept}\r\n"
        if etag:
            fields += f"If-None-Match: {etag}\r\n"
        if self._token and not address.startswith("unix:"):
            fields += f"Authorization: Bearer {self._token}\r\n"
        return fields

    def _connection(self, address: str) -> Connection:
        connection = self._connections.get(address)
        if connection is None:
            connection = self._connections[address] = Connection(Address(address), MOST_BYTES, self._landing)
        return connection

    def forget(self, address: str) -> None:
        """Nobody asks there any more."""
        if (connection := self._connections.pop(address, None)) is not None:
            connection.close()

    def close(self) -> None:
        """Close all connections."""
        for address in list(self._connections):
            self.forget(address)


def _no_number(_literal: str) -> None:
    """NaN and Infinity are no JSON; what is unknown is null."""


def parse_document(body: bytes) -> Mapping[str, Any]:
    """An answer's JSON object; raises OutOfReach when it is none."""
    try:
        parsed: Any = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        msg = "what answers there is no agent: its answer is not a JSON object"
        raise OutOfReach(msg, "name the agent: h2o-console --agent http://HOST:PORT")
    return cast("dict[str, Any]", parsed)


def _why(error: Exception) -> str:
    """A sentence's end for a person."""
    if isinstance(error, OSError):
        return _OS_WORDS.get(type(error), error.strerror or str(error) or type(error).__name__).lower()
    return str(error)


_OS_WORDS: Final[dict[type[OSError], str]] = {
    ConnectionRefusedError: "connection refused",
    FileNotFoundError: "no such socket",
    PermissionError: "permission denied",
}
