"""Where a reader stands in the logs of a host, as text that it gives back to go on exactly there. Pure.

A file is known by its inode and a digest of how it begins: rotation moves the inode to another name, a copy has
another inode and the same beginning, a successor with a used inode begins differently (each process's log begins
with a line that has its launch in it).
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final, cast

MARK_BYTES: Final = 256
_MOST_BYTES: Final = 1 << 20


class InvalidCursor(ValueError):
    """Not a cursor that this version has made."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A file's identity: `digest` of its first `length` bytes."""

    inode: int
    length: int = 0
    digest: str = ""

    def begins(self, head: bytes) -> bool:
        """Does a file with these first bytes begin as the marked one?"""
        return len(head) >= self.length and digest(head[: self.length]) == self.digest


@dataclass(frozen=True, slots=True)
class Position:
    """In one file. `skipping`: in the middle of a line of which nothing more is wanted."""

    mark: Mark
    offset: int
    skipping: bool = False


def digest(head: bytes) -> str:
    """Of how a file begins; empty for nothing."""
    return blake2b(head, digest_size=6).hexdigest() if head else ""


def mark_of(inode: int, head: bytes) -> Mark:
    """*head*: the file's first MARK_BYTES, or all there is."""
    head = head[:MARK_BYTES]
    return Mark(inode, len(head), digest(head))


def encode(positions: Mapping[str, Position]) -> str:
    """By source; about 30 characters each."""
    rows = [
        [source, at.mark.inode, at.mark.length, at.mark.digest, at.offset, int(at.skipping)]
        for source, at in positions.items()
    ]
    packed = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def decode(text: str) -> dict[str, Position]:
    """What `encode` made; raises InvalidCursor."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        plain = unpacker.decompress(packed, _MOST_BYTES)
        if not unpacker.eof:
            raise ValueError
        rows = cast("list[list[Any]]", json.loads(plain))
        return dict(map(_row, rows))
    except (ValueError, TypeError, KeyError, zlib.error, RecursionError):
        msg = "the cursor is not one that an agent of this version gave; ask again without it"
        raise InvalidCursor(msg) from None


def _row(row: list[Any]) -> tuple[str, Position]:
    source, inode, length, said, offset, skipping = row
    numbers = (inode, length, offset, skipping)
    if type(source) is not str or type(said) is not str or any(type(each) is not int for each in numbers):
        raise TypeError
    if not 0 <= length <= MARK_BYTES or not 0 <= offset < 1 << 63:
        raise ValueError
    return source, Position(Mark(inode, length, said), offset, bool(skipping))
