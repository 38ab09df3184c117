"""docs/wire.md once more, written from the document alone: what a client has to pack and to unpack.

Nothing of h2o_core is used, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

VERSION: Final = 1
HELLO: Final = 1
WELCOME: Final = 2
PING: Final = 7
PONG: Final = 8
REQUEST: Final = 9
ANSWER: Final = 10

OK: Final = 0
TIMEOUT: Final = 6
OUTCOME_UNKNOWN: Final = 8
UNAVAILABLE: Final = 9
CODES: Final = (
    *("OK", "BAD_REQUEST", "NOT_FOUND", "NO_ROUTE", "FORBIDDEN", "OVERLOADED", "TIMEOUT", "CANCELLED"),
    *("OUTCOME_UNKNOWN", "UNAVAILABLE", "INTERNAL", "APPLICATION"),
)
UNKNOWN: Final = 0
NO: Final = 1
YES: Final = 2

_HEADER: Final = struct.Struct(">BBBBIIQHHHH")
_BODY_OF_PING: Final = struct.Struct(">QQ")
_TAG_AND_LENGTH: Final = struct.Struct(">BH")
_REQUEST_ID: Final = 1


class Malformed(ValueError):
    """Bytes that are no frame of wire version 1."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, as far as a client looks at it."""

    kind: int
    flags: int
    code: int
    correlation: int
    route: bytes
    payload: bytes

    @property
    def executed(self) -> int:
        """Of an ANSWER: UNKNOWN, NO or YES."""
        return self.flags & 3

    @property
    def served_by(self) -> tuple[str, str]:
        """(instance, host) from an answer's route block; empty when it has none."""
        at, texts = 15, list[str]()
        while len(texts) < 3 and at < len(self.route):
            end = at + 1 + self.route[at]
            texts.append(self.route[at + 1 : end].decode(errors="replace"))
            at = end
        return (texts[1], texts[2]) if len(texts) == 3 else ("", "")


def types_hash(request_type: str, reply_type: str) -> int:
    """The header's `types`, from two full names of protobuf messages."""
    half = [
        int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), "big") for name in (request_type, reply_type)
    ]
    return half[0] << 32 | half[1]


def pack(kind: int, *, flags: int = 0, correlation: int = 0, payload: bytes = b"") -> bytes:
    """A frame without a name."""
    return _HEADER.pack(VERSION, kind, flags, 0, correlation, 0, 0, 0, 0, 0, 0) + payload


def pack_request(
    request_id: bytes, feature: str, types: int, payload: bytes, *, correlation: int, remaining_ms: int
) -> bytes:
    """A REQUEST of a client: no route, the request id as its only field."""
    name = feature.encode()
    fields = _TAG_AND_LENGTH.pack(_REQUEST_ID, len(request_id)) + request_id
    head = _HEADER.pack(VERSION, REQUEST, 0, 0, correlation, remaining_ms, types, 0, len(name), len(fields), 0)
    return head + name + fields + payload


def pack_ping(clock_ns: int) -> bytes:
    """A client's PING; its incarnation is 0."""
    return pack(PING, payload=_BODY_OF_PING.pack(0, clock_ns))


def pack_pong(ping: Frame) -> bytes:
    """What a client answers to the broker's PING: incarnation 0, and the PING's own clock."""
    _, clock_ns = read_ping(ping)
    return pack(PONG, payload=_BODY_OF_PING.pack(0, clock_ns))


def read_ping(frame: Frame) -> tuple[int, int]:
    """(incarnation, clock) of a PING or PONG; raises Malformed."""
    if len(frame.payload) != _BODY_OF_PING.size:
        msg = f"a PING's body has 16 bytes, not {len(frame.payload)}"
        raise Malformed(msg)
    incarnation, clock_ns = _BODY_OF_PING.unpack(frame.payload)
    return incarnation, clock_ns


def unpack(data: bytes) -> Frame:
    """Parse one frame; raises Malformed."""
    if len(data) < _HEADER.size:
        msg = f"{len(data)} bytes are no frame"
        raise Malformed(msg)
    version, kind, flags, code, correlation, _, _, route, name, fields, _ = _HEADER.unpack_from(data)
    payload_at = _HEADER.size + route + name + fields
    if version != VERSION or payload_at > len(data):
        msg = f"wire version {version}, {len(data)} bytes with a payload from {payload_at} on"
        raise Malformed(msg)
    return Frame(kind, flags, code, correlation, data[_HEADER.size : _HEADER.size + route], data[payload_at:])
