"""Wire frames: one frame a message, a fixed header, a route block, the name, fields, the payload.

`docs/wire.md` is the specification; this module is its Python. Parsing is strict: whatever does not
fit raises `MalformedFrame`, nothing else. Header, big-endian, 28 bytes::

    wire u8 | type u8 | flags u8 | code u8 | correlation u32 | remaining_ms u32
    types u64 | route_len u16 | name_len u16 | fields_len u16 | reserved u16

`code` is the outcome on answers and the attempt on requests. `types` is the hash of the request
type's full name in the high half and of the reply type's in the low one.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct, error as StructError  # noqa: N812 - `error` alone says nothing here
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Executed

if TYPE_CHECKING:
    from collections.abc import Sequence

WIRE: Final = 1
HEADER: Final = Struct("!BBBBIIQHHHH")
HEADER_BYTES: Final = HEADER.size
CORRELATION_AT: Final = 4
correlation_at: Final = Struct("!I").unpack_from
request_parts: Final = Struct("!2xBxII8xHHH2x").unpack_from
"""Flags, correlation, remaining ms and the three lengths of a header: half the time of all of it."""
answer_parts: Final = Struct("!3xB16xHHH2x").unpack_from
"""Code and the three lengths."""
MAX_FRAME_BYTES: Final = 1 << 20
MAX_REMAINING_MS: Final = 0xFFFF_FFFF

# Message types: plain integers, because the switch compares one for each message.
HELLO: Final = 1
WELCOME: Final = 2
REGISTER: Final = 3
REGISTERED: Final = 4
LEAVE: Final = 5
HEARTBEAT: Final = 6
PING: Final = 7
PONG: Final = 8
REQUEST: Final = 9
ANSWER: Final = 10
REFUSED: Final = 11
CANCEL: Final = 12
RELEASED: Final = 13
ASK: Final = 14
TOLD: Final = 15
LEFT: Final = 16

TYPE_NAMES: Final[dict[int, str]] = {
    HELLO: "HELLO",
    WELCOME: "WELCOME",
    REGISTER: "REGISTER",
    REGISTERED: "REGISTERED",
    LEAVE: "LEAVE",
    HEARTBEAT: "HEARTBEAT",
    PING: "PING",
    PONG: "PONG",
    REQUEST: "REQUEST",
    ANSWER: "ANSWER",
    REFUSED: "REFUSED",
    CANCEL: "CANCEL",
    RELEASED: "RELEASED",
    ASK: "ASK",
    TOLD: "TOLD",
    LEFT: "LEFT",
}

# Flags: the low two bits of an ANSWER say whether it was executed (h2o_core.errors.Executed).
EXECUTED_MASK: Final = 0b11

PING_VERDICTS: Final = 0b1
"""On a PING from a broker: it understands a PONG with verdicts after its 16 bytes."""

REQUEST_EXACT: Final = 0b1
"""On a REQUEST from a broker: for the instance that its route block names, and no other."""
REQUEST_ASSIGNED: Final = 0b10
"""On a REQUEST from a broker: weights or rules chose its version, and what it calls is told so (TAG_ASSIGNMENT)."""

TOLD_MORE: Final = 0b1
"""On a TOLD: its payload is a part, and another TOLD of the same correlation follows."""

# Tags of the optional fields. Unknown ones are forwarded.
TAG_REQUEST_ID: Final = 1  # 16 bytes: 64 random bits a client, 64-bit counter
TAG_TRACEPARENT: Final = 2  # 26 bytes: version, trace id (16), span id (8), flags
TAG_STICKY_KEY: Final = 3  # UTF-8
TAG_HEADERS: Final = 4
TAG_PRIORITY: Final = 5
TAG_ASSIGNMENT: Final = 6
TAG_RETRY_BUDGET: Final = 7

_TLV: Final = Struct("!BH")
_REQUEST_ROUTE: Final = Struct("!Q")
_ANSWER_ROUTE: Final = Struct("!QHHHB")
ANSWER_ROUTE_BYTES: Final = _ANSWER_ROUTE.size
PING_BODY: Final = Struct("!QQ")  # sender's incarnation, sender's clock in ns (returned in the PONG)
_VERDICT: Final = Struct("!BB")
MOST_VERDICTS: Final = 256
"""Instances that one PONG tells of."""
UNKNOWN_PERCENT: Final = 255
"""In a PONG: too few requests to tell the share of successes."""


class MalformedFrame(ValueError):
    """Bytes from outside are not a frame; the sentence says where they stop making sense."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One parsed frame: for everything but the switch's request path, which reads the header itself."""

    type: int
    flags: int
    code: int
    correlation: int
    remaining_ms: int
    types: int
    route: bytes
    name: bytes
    fields: bytes
    payload: bytes

    @property
    def executed(self) -> Executed:
        """What an ANSWER says about execution."""
        return Executed(min(self.flags & EXECUTED_MASK, 2))


@dataclass(frozen=True, slots=True)
class RequestRoute:
    """On a REQUEST from a broker: where it is meant for, and who calls.

    ``caller`` is the calling package, ``operator`` for a client that is not an instance.
    """

    incarnation: int
    version: str
    instance: str
    caller: str
    caller_version: str
    caller_instance: str


@dataclass(frozen=True, slots=True)
class RouteWish:
    """On a REQUEST from an operator's client: where alone it may be executed. Empty: anywhere."""

    host: str = ""
    version: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class AnswerRoute:
    """On an ANSWER from a broker: who served, and how busy it is (requests, not fractions)."""

    incarnation: int
    in_flight: int
    queued: int
    slots: int
    verdict: int
    version: str
    instance: str
    host: str


@dataclass(frozen=True, slots=True)
class InstanceVerdict:
    """In a PONG between brokers: what the answerer finds of an instance of its host (`h2o_core.health`)."""

    instance: str
    verdict: int
    percent: int
    """Of its requests that succeeded in the last ten seconds, rounded down; `UNKNOWN_PERCENT`: too few to tell."""


def type_hash(full_name: str) -> int:
    """32 bits of a protobuf type's full name (blake2b)."""
    return int.from_bytes(blake2b(full_name.encode(), digest_size=4).digest(), "big")


def types_hash(request_type: str, reply_type: str) -> int:
    """The header's `types`: both full names in 64 bits."""
    return type_hash(request_type) << 32 | type_hash(reply_type)


def encode(  # noqa: PLR0913 - the parts of a frame
    kind: int,
    *,
    flags: int = 0,
    code: int = 0,
    correlation: int = 0,
    remaining_ms: int = 0,
    types: int = 0,
    route: bytes = b"",
    name: bytes = b"",
    fields: bytes = b"",
    payload: bytes = b"",
) -> bytes:
    """One frame's bytes."""
    head = HEADER.pack(WIRE, kind, flags, code, correlation, remaining_ms, types, len(route), len(name), len(fields), 0)
    return b"".join((head, route, name, fields, payload))


def decode(frame: bytes) -> Frame:
    """Parse and check one frame; raises MalformedFrame."""
    try:
        wire, kind, flags, code, correlation, remaining_ms, types, route_len, name_len, fields_len, _ = (
            HEADER.unpack_from(frame)
        )
    except StructError:
        msg = f"{len(frame)} bytes are less than a header's {HEADER_BYTES}"
        raise MalformedFrame(msg) from None
    if wire != WIRE:
        msg = f"wire version {wire}; this side speaks {WIRE}"
        raise MalformedFrame(msg)
    name_at = HEADER_BYTES + route_len
    fields_at = name_at + name_len
    payload_at = fields_at + fields_len
    if payload_at > len(frame):
        msg = f"the header promises {payload_at} bytes before the payload, the frame has {len(frame)}"
        raise MalformedFrame(msg)
    return Frame(
        kind,
        flags,
        code,
        correlation,
        remaining_ms,
        types,
        frame[HEADER_BYTES:name_at],
        frame[name_at:fields_at],
        frame[fields_at:payload_at],
        frame[payload_at:],
    )


def encode_fields(fields: dict[int, bytes]) -> bytes:
    """Optional fields as tag (u8), length (u16), value; ascending tags."""
    return b"".join(_TLV.pack(tag, len(fields[tag])) + fields[tag] for tag in sorted(fields))


def decode_fields(data: bytes, lowest: int = 0) -> dict[int, bytes]:
    """Tag → value, of tags from *lowest* on; the last one of a repeated tag wins. Raises MalformedFrame."""
    fields: dict[int, bytes] = {}
    at, size = 0, len(data)
    while at < size:
        value_at = at + 3
        if value_at > size:
            msg = f"a field's head is cut off at byte {at} of {size}"
            raise MalformedFrame(msg)
        tag = data[at]
        end = value_at + (data[at + 1] << 8 | data[at + 2])  # half the time of a Struct
        if end > size:
            msg = f"field {tag} promises {end - value_at} bytes, {size - value_at} are left"
            raise MalformedFrame(msg)
        if tag >= lowest:
            fields[tag] = data[value_at:end]
        at = end
    return fields


def _str8(text: str) -> bytes:
    data = text.encode()
    return bytes((len(data),)) + data


def _read_str8(data: bytes, at: int, count: int) -> list[str]:
    texts: list[str] = []
    try:
        for _ in range(count):
            length = data[at]
            at += 1
            if at + length > len(data):
                raise IndexError
            texts.append(data[at : at + length].decode())
            at += length
    except (IndexError, UnicodeDecodeError):
        msg = f"the route block's text {len(texts) + 1} of {count} is cut off or not UTF-8"
        raise MalformedFrame(msg) from None
    return texts


def encode_request_route(route: RequestRoute) -> bytes:
    """The route block of a REQUEST between brokers, and from a broker to an instance."""
    texts = (route.version, route.instance, route.caller, route.caller_version, route.caller_instance)
    return _REQUEST_ROUTE.pack(route.incarnation) + b"".join(map(_str8, texts))


def decode_request_route(block: bytes) -> RequestRoute:
    """Parse it; raises MalformedFrame."""
    if len(block) < _REQUEST_ROUTE.size:
        msg = f"a request's route block of {len(block)} bytes is too short"
        raise MalformedFrame(msg)
    (incarnation,) = _REQUEST_ROUTE.unpack_from(block)
    return RequestRoute(incarnation, *_read_str8(block, _REQUEST_ROUTE.size, 5))


def encode_wish(wish: RouteWish) -> bytes:
    """The route block of a REQUEST from a client; empty for no wish."""
    return b"".join(map(_str8, (wish.host, wish.version, wish.instance))) if wish != RouteWish() else b""


def decode_wish(block: bytes) -> RouteWish:
    """Parse it; raises MalformedFrame."""
    return RouteWish(*_read_str8(block, 0, 3))


def with_route(frame: bytes, route: bytes) -> bytes:
    """A frame that has no route block, with one."""
    return b"".join((frame[:20], len(route).to_bytes(2, "big"), frame[22:HEADER_BYTES], route, frame[HEADER_BYTES:]))


def encode_answer_route_tail(version: str, instance: str, host: str) -> bytes:
    """The part of an answer's route block that stays the same for an instance."""
    return _str8(version) + _str8(instance) + _str8(host)


def encode_answer_route(incarnation: int, in_flight: int, queued: int, slots: int, verdict: int, tail: bytes) -> bytes:
    """The route block of an ANSWER; *tail* from `encode_answer_route_tail`. Counts are capped at 65,535."""
    return _ANSWER_ROUTE.pack(incarnation, min(in_flight, 65535), min(queued, 65535), min(slots, 65535), verdict) + tail


def decode_answer_route(block: bytes) -> AnswerRoute:
    """Parse it; raises MalformedFrame."""
    if len(block) < ANSWER_ROUTE_BYTES:
        msg = f"an answer's route block of {len(block)} bytes is too short"
        raise MalformedFrame(msg)
    incarnation, in_flight, queued, slots, verdict = _ANSWER_ROUTE.unpack_from(block)
    version, instance, host = _read_str8(block, ANSWER_ROUTE_BYTES, 3)
    return AnswerRoute(incarnation, in_flight, queued, slots, verdict, version, instance, host)


def encode_verdicts(verdicts: Sequence[InstanceVerdict]) -> bytes:
    """What follows the 16 bytes of a PONG between brokers; at most `MOST_VERDICTS`."""
    return b"".join(_str8(one.instance) + _VERDICT.pack(one.verdict, one.percent) for one in verdicts)


def decode_verdicts(data: bytes) -> list[InstanceVerdict]:
    """Parse them; raises MalformedFrame."""
    verdicts: list[InstanceVerdict] = []
    at = 0
    while at < len(data):
        if len(verdicts) == MOST_VERDICTS:
            msg = f"a PONG tells of more than {MOST_VERDICTS} instances"
            raise MalformedFrame(msg)
        (instance,) = _read_str8(data, at, 1)
        at += 1 + data[at]
        if at + _VERDICT.size > len(data):
            msg = f"verdict {len(verdicts) + 1} of a PONG is cut off"
            raise MalformedFrame(msg)
        verdicts.append(InstanceVerdict(instance, *_VERDICT.unpack_from(data, at)))
        at += _VERDICT.size
    return verdicts
