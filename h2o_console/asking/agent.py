"""Asks an agent: one GET or POST over its Unix socket or TCP, one JSON object back.

HTTP/1.0 by hand: the agent then neither chunks nor keeps the connection, which leaves a page of code, and
`h2o list` does without `http.client`, which costs a fifth of its time to import.
"""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_BYTES: Final = 64 << 20
"""More than the statistics of a full host; a bound on what a stranger on that port can make us hold."""
_JSON: Final = "application/json"
_CHUNK_BYTES: Final = 1 << 16
_NAME_AGENT: Final = "name the agent: --agent http://HOST:PORT"


class AgentUnreachable(Exception):
    """Nobody answers at the agent's address, or not in time."""

    def __init__(self, address: str, why: str, *, sent: bool = False) -> None:
        """*sent*: it may have what it was asked for."""
        super().__init__(f"no agent answers at {address}: {why}")
        self.address = address
        self.why = why
        self.sent = sent


class AgentRefused(Exception):
    """An agent answered that it can't (its broker is down), or what answered is no agent."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Reply:
    """An agent's answer, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Raw:
    """An agent's answer as bytes, whatever its status. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def refusal(self, path: str) -> AgentRefused:
        """What it says is wrong, for an answer that is not what was asked for."""
        try:
            document = parse_object(self.body)
        except AgentRefused as error:
            return error
        error = str(document.get("error") or f"the agent answers {self.status} to {path}")
        return AgentRefused(self.status, error, str(document.get("hint") or ""))


def fetch(address: str, path: str, timeout_s: float, token: str = "") -> Reply:
    """GET *path*, any status; raises AgentUnreachable, or AgentRefused when no JSON object came back.

    *timeout_s* bounds each step: connecting, and every wait for bytes. *token*: see `h2o_core.io.context.agent_token`.
    """
    raw = exchange(address, path, timeout_s, token=token)
    return Reply(raw.status, raw.headers, parse_object(raw.body))


def post(address: str, path: str, document: Mapping[str, Any], timeout_s: float, token: str = "") -> Reply:
    """POST *document* to *path*, any status; the rest as for `fetch`. *token*: one that writes."""
    body = json.dumps(document).encode()
    more = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    raw = _exchanged(address, f"POST {path}", _JSON, timeout_s, token, more, body)
    return Reply(raw.status, raw.headers, parse_object(raw.body))


def exchange(address: str, path: str, timeout_s: float, *, accept: str = _JSON, token: str = "", etag: str = "") -> Raw:
    """GET *path* as *accept* (a media type), any status; raises AgentUnreachable. The rest as for `fetch`.

    *etag*: of the answer that is known already; 304 then says that it is still the same.
    """
    known = f"If-None-Match: {etag}\r\n" if etag else ""
    return _exchanged(address, f"GET {path}", accept, timeout_s, token, known)


def _exchanged(
    address: str, what: str, accept: str, timeout_s: float, token: str, more: str = "", body: bytes = b""
) -> Raw:
    shown = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"{what} HTTP/1.0\r\nHost: agent\r\nAccept: {accept}\r\n{shown}{more}\r\n".encode() + body
    sent = False
    try:
        with _connected(address, timeout_s) as connection:
            sent = True
            connection.sendall(request)
            answer = _read_all(connection)
    except TimeoutError:
        why = f"no answer within {timeout_s:g} s"
        raise AgentUnreachable(address, why, sent=sent) from None
    except OSError as error:
        raise AgentUnreachable(address, error.strerror or str(error), sent=sent) from None
    return parse_answer(address, answer)


def _connected(address: str, timeout_s: float) -> socket.socket:
    if not address.startswith("unix:"):
        host, _, port = address.removeprefix("http://").rpartition(":")
        try:
            return socket.create_connection((host.strip("[]"), int(port)), timeout_s)
        except (ValueError, OverflowError):  # what another host put into the register, or no name that can be looked up
            why = "that is no address"
            raise AgentUnreachable(address, why) from None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout_s)
        connection.connect(address.removeprefix("unix:"))
    except BaseException:
        connection.close()
        raise
    return connection


def _read_all(connection: socket.socket) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while size <= _MOST_BYTES and (chunk := connection.recv(_CHUNK_BYTES)):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


def parse_answer(address: str, answer: bytes) -> Raw:
    """The bytes until the connection's end → their parts; raises AgentUnreachable for what is no whole answer."""
    head, blank, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not blank or not version.startswith("HTTP/1.") or not status.isdecimal():
        why = "what answers there speaks no HTTP" if answer else "it closed the connection"
        raise AgentUnreachable(address, why, sent=True)
    pairs = (line.partition(":") for line in lines)
    headers = {key.strip().lower(): value.strip() for key, _, value in pairs}
    if headers.get("content-length", str(len(body))) != str(len(body)):
        raise AgentUnreachable(address, "its answer was cut off", sent=True)
    return Raw(int(status), headers, body)


def parse_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer's body; raises AgentRefused when it is none."""
    try:
        parsed: Any = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        msg = "what answers there is no agent: its answer is not a JSON object"
        raise AgentRefused(0, msg, _NAME_AGENT)
    return cast("dict[str, Any]", parsed)


def _no_number(_literal: str) -> None:
    """NaN and Infinity are no JSON; what is unknown is null."""


def ask(address: str, path: str, timeout_s: float, token: str = "") -> Mapping[str, Any]:
    """The JSON object at *path*; raises AgentUnreachable, or AgentRefused for any status but 200."""
    raw = exchange(address, path, timeout_s, token=token)
    if raw.status != 200:
        raise raw.refusal(path)
    return parse_object(raw.body)
