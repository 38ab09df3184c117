"""One place a feature is called from: what its frames have in common is packed once.

A REQUEST frame is ``start, correlation, remaining ms | fixed | number | trace | carried | payload``:
`fixed` holds the rest of the header, the name and the client's half of the request id.
"""

from __future__ import annotations

import os
from itertools import count
from struct import Struct
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import (
    HEADER,
    MAX_FRAME_BYTES,
    REQUEST,
    TAG_REQUEST_ID,
    TAG_TRACEPARENT,
    WIRE,
    types_hash,
)
from h2o_core.io.ambient import TRACEPARENT_BYTES

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from h2o_core.io.ambient import Ambient

ROUTE_HEADROOM: Final = 1024
"""Brokers put a route block into a frame; one that then is over the cap would cost them the link."""
LARGEST_FRAME_BYTES: Final = MAX_FRAME_BYTES - ROUTE_HEADROOM

_U64: Final = (1 << 64) - 1
_TLV: Final = Struct("!BH")
_START: Final = bytes((WIRE, REQUEST, 0, 0))
_VARYING_BYTES: Final = 12  # start, correlation, remaining ms: the header's part that is packed for each call
_ID_HEAD: Final = _TLV.pack(TAG_REQUEST_ID, 16)
_TRACE_HEAD: Final = _TLV.pack(TAG_TRACEPARENT, TRACEPARENT_BYTES) + b"\0"
_FIELDS_BYTES: Final = _TLV.size + 16 + _TLV.size + TRACEPARENT_BYTES


class Identity:
    """A client's half of its request ids: 64 random bits; the other half counts."""

    __slots__ = ("numbers", "prefix", "span_base")

    def __init__(self) -> None:
        self.prefix = os.urandom(8)
        self.span_base = int.from_bytes(os.urandom(8), "big")
        self.numbers = count(1)  # `next` on it is atomic: threads share a client

    @property
    def first(self) -> str:
        """The id of the client's first request, known before it is made."""
        return f"{self.prefix.hex()}{1:016x}"


class CallSite:
    """A feature called by one client with one request type for one reply type."""

    __slots__ = ("_bare", "_fixed", "_identity", "_in_trace", "_name", "_root", "_root_head", "_types", "reply_type")

    def __init__(
        self, feature: str, request_type: type[Message], reply_type: type[Message], identity: Identity
    ) -> None:
        """*feature* is a valid name; the types are generated messages."""
        self.reply_type = reply_type
        self._identity = identity
        self._name = feature.encode()
        self._types = types_hash(request_type.DESCRIPTOR.full_name, reply_type.DESCRIPTOR.full_name)
        self._fixed: dict[int, bytes] = {}
        self._root_head = _TRACE_HEAD + identity.prefix
        self._bare = self._fixed_for(0)
        size = len(self._bare)
        self._root = Struct(f"!4sII{size}sQ{len(self._root_head)}sQQB").pack
        self._in_trace = Struct(f"!4sII{size}sQ{len(_TRACE_HEAD)}s16sQB").pack

    def _fixed_for(self, carried_bytes: int) -> bytes:
        """The header from `types` on, the name, and the request id's first half."""
        fixed = self._fixed.get(carried_bytes)
        if fixed is None:
            fields_bytes = _FIELDS_BYTES + carried_bytes
            header = HEADER.pack(0, 0, 0, 0, 0, 0, self._types, 0, len(self._name), fields_bytes, 0)
            fixed = header[_VARYING_BYTES:] + self._name + _ID_HEAD + self._identity.prefix
            self._fixed[carried_bytes] = fixed
        return fixed

    def frame(
        self, correlation: int, remaining_ms: int, ambient: Ambient | None, carried: bytes, payload: bytes
    ) -> bytes:
        """The next request's bytes, in the ambient trace or in a new one that is named like the request.

        *carried*: the encoded fields after the traceparent, of higher tags.
        """
        identity = self._identity
        number = next(identity.numbers)
        span = (identity.span_base + number) & _U64 or 1
        fixed = self._fixed_for(len(carried)) if carried else self._bare
        trace_id = b"" if ambient is None else ambient.trace_id
        if ambient is None or not trace_id:
            head = self._root(_START, correlation, remaining_ms, fixed, number, self._root_head, number, span, 0)
        else:
            flags = ambient.trace_flags
            head = self._in_trace(_START, correlation, remaining_ms, fixed, number, _TRACE_HEAD, trace_id, span, flags)
        return b"".join((head, carried, payload)) if carried else head + payload


def with_correlation(frame: bytes, correlation: int) -> bytes:
    """*frame* under another correlation: what another thread made gets its own on the loop."""
    return frame[:4] + correlation.to_bytes(4, "big") + frame[8:]
