"""Asks agents over HTTP without blocking: Unix socket or TCP, a bound on time and size, ETags remembered.

httpx is imported when the first agent is asked: it costs 120 ms that nobody who only wants `--help` should pay.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from h2o_core.io.clock import monotonic_ns

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

MOST_BYTES: Final = 32 << 20
"""More than the counters of a full host; a bound on what a stranger on that port can make us hold."""
_KEEP_ALIVE_S: Final = 60.0


class OutOfReach(Exception):
    """No usable answer; the sentence says why, `hint` what to type ("" when nothing helps)."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Answered:
    """An agent's answer; `document` is None when nothing changed since the last one (304).

    `spent_s` is what reading it cost this process.
    """

    document: Mapping[str, Any] | None
    etag: str
    spent_s: float = 0.0


class Agents:
    """Connections to any number of agents; addresses are ``unix:<path>``, ``http://host:port`` or ``host:port``."""

    def __init__(self, timeout_s: float = 2.0, token: str = "") -> None:
        """*token*: what agents on other machines are shown."""
        self._timeout_s = timeout_s
        self._token = token
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def get(self, address: str, path: str, etag: str = "") -> Answered:
        """GET *path* within the time-out; raises OutOfReach."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._get(address, path, etag)
        except TimeoutError:
            msg = f"no answer in {self._timeout_s:g} s"
            raise OutOfReach(msg) from None

    async def _get(self, address: str, path: str, etag: str) -> Answered:
        import httpx  # noqa: PLC0415 - see the module's first lines

        headers = {"Accept": "application/json"}
        if etag:
            headers["If-None-Match"] = etag
        if self._token and not address.startswith("unix:"):
            headers["Authorization"] = f"Bearer {self._token}"
        client, base = self._client(address)
        try:
            async with client.stream("GET", base + path, headers=headers) as response:
                if response.status_code == 304:
                    return Answered(None, etag)
                body = await _bounded(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:  # an address may be anything
            raise OutOfReach(_why(error)) from None
        return _answer(response.status_code, body, response.headers.get("etag", ""))

    def _client(self, address: str) -> tuple[httpx.AsyncClient, str]:
        """The client for *address*, and what stands before the path; all TCP agents share one."""
        path = address.removeprefix("unix:") if address.startswith("unix:") else ""
        if path not in self._clients:
            self._clients[path] = _connect(path)
        base = address if address.startswith("http://") else f"http://{address}"
        return self._clients[path], "http://agent" if path else base.rstrip("/")

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()


def _connect(unix_path: str) -> httpx.AsyncClient:
    import httpx  # noqa: PLC0415 - see the module's first lines

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=_KEEP_ALIVE_S)
    # No TLS yet, so no certificates to load; a proxy in the environment is not meant for agents.
    transport = httpx.AsyncHTTPTransport(uds=unix_path or None, limits=limits, verify=False, trust_env=False)
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)  # noqa: S113 - bounded in get()


async def _bounded(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MOST_BYTES:
            msg = f"its answer is longer than {MOST_BYTES >> 20} MiB"
            raise OutOfReach(msg)
    return bytes(body)


def _no_number(_literal: str) -> None:
    """NaN and Infinity are no JSON; what is unknown is null."""


def _answer(status: int, body: bytes, etag: str) -> Answered:
    began_ns = monotonic_ns()
    try:
        parsed: Any = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        msg = "what answers there is no agent: its answer is not a JSON object"
        raise OutOfReach(msg, "name the agent: h2o-console --agent http://HOST:PORT")
    document = cast("dict[str, Any]", parsed)
    if status != 200:
        raise OutOfReach(str(document.get("error") or f"it answers {status}"), str(document.get("hint") or ""))
    return Answered(document, etag, (monotonic_ns() - began_ns) / 1e9)


def _why(error: Exception) -> str:
    """A sentence's end for a person; httpx wraps the operating system's words several times."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno:
            return _OS_WORDS.get(type(cause), cause.strerror or str(cause)).lower()
        cause = cause.__cause__ or cause.__context__
    return str(error) or type(error).__name__


_OS_WORDS: Final[dict[type[OSError], str]] = {
    ConnectionRefusedError: "connection refused",
    FileNotFoundError: "no such socket",
    PermissionError: "permission denied",
}
