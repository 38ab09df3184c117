"""How history lies in a file: records with a mark, a length and a checksum, each refused by itself. Pure.

    mark 4 | length u32 | crc32 u32 | kind u8, then the rest of the payload

The checksum is the payload's. After anything that is no record the next mark is sought: a torn end, a hole
or a flipped bit cost what they hit, and a file can be appended to after them. Kind 1 is a minute: a `History` with
one point a series, packed by zlib. Other kinds are left out, so that an older agent can read what a newer one wrote.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final
from zlib import crc32

MARK: Final = b"\xf1H2\x1e"
MINUTE: Final = 1
MOST_PAYLOAD_BYTES: Final = 4 << 20
_HEAD: Final = struct.Struct("<4sII")


def encode(kind: int, body: bytes) -> bytes:
    """One record."""
    payload = bytes((kind,)) + body
    return _HEAD.pack(MARK, len(payload), crc32(payload)) + payload


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a file holds: (kind, body) of each sound record, in order, and how much is none."""

    records: list[tuple[int, bytes]]
    refused_bytes: int


def decode(file: bytes) -> Decoded:
    """Take what is sound."""
    records: list[tuple[int, bytes]] = []
    sound_bytes = 0
    at = file.find(MARK)
    while at >= 0:
        payload = _record(file, at)
        if payload is None:
            at = file.find(MARK, at + 1)
            continue
        records.append((payload[0], payload[1:]))
        size = _HEAD.size + len(payload)
        sound_bytes += size
        at = file.find(MARK, at + size)
    return Decoded(records, len(file) - sound_bytes)


def _record(file: bytes, at: int) -> bytes | None:
    """The payload of the record at this mark; None when it is none."""
    if at + _HEAD.size > len(file):
        return None
    _, length, checksum = _HEAD.unpack_from(file, at)
    payload = file[at + _HEAD.size : at + _HEAD.size + length] if 0 < length <= MOST_PAYLOAD_BYTES else b""
    return payload if payload and len(payload) == length and crc32(payload) == checksum else None
