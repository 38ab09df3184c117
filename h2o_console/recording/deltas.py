"""Bodies packed as what differs from the body before: a host's counters of now are nearly those of five seconds ago.

Pure. Deflate finds in the earlier body what has stayed the same. It looks back 32 KiB at most, so a body is packed in
chunks, each against the stretch of the earlier one where it was: 52 kB of a busy host become 4 to 8 kB in 0.4 ms, where
they would be 18 kB by themselves.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

_CHUNK: Final = 14_000
_ASIDE: Final = 2_300
"""So far may bytes have moved and still be found; chunk and stretch together fill what deflate looks back."""
_RAW: Final = -15
_FAST: Final = 1
_LENGTH: Final = struct.Struct("<I")


class Damaged(ValueError):
    """It can't be unpacked, or says something else about its length."""


def pack(body: bytes) -> bytes:
    """By itself."""
    return zlib.compress(body, _FAST, _RAW)


def unpack(packed: bytes, length: int) -> bytes:
    """What `pack` was given; raises Damaged."""
    return _inflate(packed, length, b"")


def pack_changes(before: bytes, body: bytes) -> bytes:
    """Against *before*."""
    packed: list[bytes] = []
    for at in range(0, len(body), _CHUNK):
        stretch = _stretch(before, at)
        deflate = zlib.compressobj(_FAST, zlib.DEFLATED, _RAW, zlib.DEF_MEM_LEVEL, zlib.Z_DEFAULT_STRATEGY, stretch)
        chunk = deflate.compress(body[at : at + _CHUNK]) + deflate.flush()
        packed += [_LENGTH.pack(len(chunk)), chunk]
    return b"".join(packed)


def unpack_changes(before: bytes, packed: bytes, length: int) -> bytes:
    """What `pack_changes` was given with the same *before*; raises Damaged."""
    body: list[bytes] = []
    at = 0
    for chunk in _chunks(packed):
        expected = min(_CHUNK, length - at)
        if expected <= 0:
            msg = "it is longer than it says"
            raise Damaged(msg)
        body.append(_inflate(chunk, expected, _stretch(before, at)))
        at += expected
    if at != length:
        msg = "it is shorter than it says"
        raise Damaged(msg)
    return b"".join(body)


def _stretch(before: bytes, at: int) -> bytes:
    return before[max(at - _ASIDE, 0) : at + _CHUNK + _ASIDE]


def _chunks(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        if at + _LENGTH.size > len(packed):
            msg = "it is cut short"
            raise Damaged(msg)
        end = at + _LENGTH.size + _LENGTH.unpack_from(packed, at)[0]
        yield packed[at + _LENGTH.size : end]
        at = end


def _inflate(packed: bytes, length: int, dictionary: bytes) -> bytes:
    """Exactly *length* bytes: whatever the file holds, hardly more is ever unpacked."""
    try:
        inflate = zlib.decompressobj(_RAW, dictionary)
        body = inflate.decompress(packed, length + 1)
    except zlib.error as error:
        msg = f"it can't be unpacked: {error}"
        raise Damaged(msg) from None
    if len(body) != length:
        msg = "it says something else about its length"
        raise Damaged(msg)
    return body
