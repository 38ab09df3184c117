"""The lines of a file from its end on: for the last N, and for what came before an offset."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.splitting import LONGEST_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_BYTES: Final = 64 << 10


def backwards(fd: int, start: int, end: int) -> Iterator[list[tuple[int, bytes]]]:
    """Block by block what lies in [start, end): (offset, line without its end), the last first.

    *start* is where a line begins, or the middle of one, which then comes out as a line; *end* the end of one. Of a
    line that is too long only the beginning is kept. Raises OSError.
    """
    carry = b""
    at = end
    while at > start:
        length = min(BLOCK_BYTES, at - start)
        at -= length
        block = os.pread(fd, length, at)
        pieces = (block + carry).split(b"\n")
        carry = pieces[0][: LONGEST_BYTES + 1]
        yield _placed(pieces[1:], at + len(pieces[0]) + 1)
    if carry:
        yield [(start, carry)]


def _placed(pieces: list[bytes], offset: int) -> list[tuple[int, bytes]]:
    placed: list[tuple[int, bytes]] = []
    for piece in pieces:
        placed.append((offset, piece))
        offset += len(piece) + 1
    placed.reverse()
    return [(at, piece) for at, piece in placed if piece]
