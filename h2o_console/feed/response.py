"""An HTTP/1.1 response, read as it comes (RFC 9112): head, then a body by length, by chunks, or until the end. Pure.

Bytes in any portions go in, one response comes out. What is malformed, longer than allowed or says two things at once
about its length is refused, never guessed at.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_HEAD_BYTES: Final = 32 << 10
_USUAL_HEAD_BYTES: Final = 1 << 10
_HEAD_ENDS: Final = b"\r\n\r\n"
_MOST_LINE_BYTES: Final = 1 << 10
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n]*?)[ \t]*")
_LENGTH: Final = re.compile(r"\d{1,18}")
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_BODYLESS: Final = {204, 304}


class BadResponse(Exception):
    """It is no HTTP response, or one that can't be trusted; the sentence's end says why."""


@dataclass(frozen=True, slots=True)
class Response:
    """A whole one. Header names are lower-case; `reusable`: the connection can be asked again."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    reusable: bool


class ResponseReader:
    """Reads one response to a GET; *most_bytes* bounds its body."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._reusable = False
        self._left: int | None = None
        """Bytes that the body still lacks; None: until the end of the connection, or chunked."""
        self._chunked = False
        self._body = bytearray()
        self._chunk_left = -1
        """Of the chunk being read; -1: its size comes next, -2: the trailers."""

    @property
    def begun(self) -> bool:
        """Something has come."""
        return bool(self._status or self._buffer)

    def feed(self, data: bytes | memoryview) -> Response | None:
        """Take in what came, of which nothing is kept; the response when it is whole. Raises BadResponse."""
        if not self.begun:
            start = bytes(data[:_USUAL_HEAD_BYTES])
            if (end := start.find(_HEAD_ENDS)) >= 0:
                self._take_head(start[:end])
                data = data[end + len(_HEAD_ENDS) :]
                if self._status and self._left == len(data):  # all of it came at once, and need not be gathered first
                    return Response(self._status, self._headers, bytes(data), self._reusable)
        self._buffer += data
        while not self._status:
            if not self._read_head():
                return None
        if self._chunked:
            return self._read_chunks()
        return self._read_body()

    def end(self) -> Response:
        """The connection has ended; the response when that is its end, too. Raises BadResponse."""
        if self._status and not self._chunked and self._left is None:
            return Response(self._status, self._headers, bytes(self._body), reusable=False)
        msg = (
            "the connection ended in the middle of its answer"
            if self.begun
            else "the connection ended without an answer"
        )
        raise BadResponse(msg)

    def _read_head(self) -> bool:
        end = self._buffer.find(_HEAD_ENDS)
        if end < 0 or end > MOST_HEAD_BYTES:
            if len(self._buffer) > MOST_HEAD_BYTES:
                msg = "its answer's head is too long"
                raise BadResponse(msg)
            return False
        head = bytes(self._buffer[:end])
        del self._buffer[: end + len(_HEAD_ENDS)]
        self._take_head(head)
        return True

    def _take_head(self, head: bytes) -> None:
        """Nothing is known after an interim one: the real one follows."""
        first, *fields = head.split(b"\r\n")
        status = _STATUS.fullmatch(first)
        if status is None:
            msg = "what answers there speaks no HTTP"
            raise BadResponse(msg)
        headers = _headers(fields)
        code = int(status.group(2))
        if code < 200:
            if code == 101:
                msg = "it answers 101, which nobody asked for"
                raise BadResponse(msg)
            return
        self._status, self._headers = code, headers
        kept = headers.get("connection", "").lower()
        self._reusable = kept != "close" if status.group(1) == b"1" else kept == "keep-alive"
        self._frame()

    def _frame(self) -> None:
        """How long the body is."""
        coding, length = self._headers.get("transfer-encoding"), self._headers.get("content-length")
        if self._status in _BODYLESS:
            self._left = 0
        elif coding is not None:
            if coding.lower() != "chunked" or length is not None:
                msg = f"its answer is sent as {coding[:40]!r}, which this program does not read"
                raise BadResponse(msg)
            self._chunked = True
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                msg = f"its answer's length is {length[:40]!r}"
                raise BadResponse(msg)
            self._left = int(length)
            self._check(self._left)
        else:
            self._reusable = False

    def _check(self, length: int) -> None:
        if length > self._most_bytes:
            msg = f"its answer is longer than {self._most_bytes >> 20} MiB"
            raise BadResponse(msg)

    def _read_body(self) -> Response | None:
        if self._left is None:
            self._body += self._buffer
            self._buffer.clear()
            self._check(len(self._body))
            return None
        if len(self._buffer) < self._left:
            return None
        if len(self._buffer) > self._left:  # nobody asked for more: the connection can't be trusted any further
            self._reusable = False
        with memoryview(self._buffer) as buffer:  # a slice of the bytearray itself would be one copy more
            body = bytes(buffer[: self._left])
        return Response(self._status, self._headers, body, self._reusable)

    def _read_chunks(self) -> Response | None:
        buffer = self._buffer
        while True:
            if self._chunk_left >= 0:
                if len(buffer) < self._chunk_left + 2:
                    return None
                self._body += buffer[: self._chunk_left]
                if not buffer.startswith(b"\r\n", self._chunk_left):
                    msg = "its answer's chunks are malformed"
                    raise BadResponse(msg)
                del buffer[: self._chunk_left + 2]
                self._chunk_left = -1
            line = self._line()
            if line is None:
                return None
            if self._chunk_left == -2:
                if not line:
                    return Response(self._status, self._headers, bytes(self._body), self._reusable and not buffer)
                continue
            size = _CHUNK.fullmatch(line)
            if size is None:
                msg = "its answer's chunks are malformed"
                raise BadResponse(msg)
            self._chunk_left = int(size.group(1), 16) or -2
            self._check(len(self._body) + max(self._chunk_left, 0))

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        if end < 0 or end > _MOST_LINE_BYTES:
            if len(self._buffer) > _MOST_LINE_BYTES:
                msg = "its answer's chunks are malformed"
                raise BadResponse(msg)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line


def _headers(fields: list[bytes]) -> dict[str, str]:
    """Repeated fields are joined, as RFC 9110 has it: two lengths then are no length."""
    headers: dict[str, str] = {}
    for field in fields:
        name, value = _header(field)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@lru_cache(maxsize=256)
def _header(field: bytes) -> tuple[str, str]:
    """(name in lower case, value). Most are the same from answer to answer, and from agent to agent."""
    found = _FIELD.fullmatch(field)
    if found is None:
        msg = "its answer's head is malformed"
        raise BadResponse(msg)
    return found.group(1).decode().lower(), found.group(2).decode("latin-1")
