"""Bytes of a growing file → its lines, each with the offset at which it ends. Pure."""

from __future__ import annotations

from typing import Final, NamedTuple

LONGEST_BYTES: Final = 64 << 10
"""A line that is longer is cut there; the rest is skipped, and never held."""


class RawLine(NamedTuple):
    """One line without its end. `end`: where reading goes on after it; `skipping`: in the middle of a line."""

    line: bytes
    end: int
    cut: bool = False
    skipping: bool = False


class Splitter:
    """Feed it the file from `read_at` on; at most one line's beginning is kept."""

    __slots__ = ("_carry", "offset", "skipping")

    def __init__(self, offset: int, *, skipping: bool = False) -> None:
        """*skipping*: what comes first is the rest of a line, which is left out."""
        self.offset = offset
        """Everything before it has been handed out, or skipped."""
        self.skipping = skipping
        self._carry = b""

    @property
    def read_at(self) -> int:
        """The offset of the bytes that are wanted next."""
        return self.offset + len(self._carry)

    @property
    def unfinished(self) -> bool:
        """Is there the beginning of a line, without its end?"""
        return bool(self._carry)

    def feed(self, chunk: bytes) -> list[RawLine]:
        """The lines that end in *chunk*; one that is too long is given as soon as that is known."""
        pieces = (self._carry + chunk).split(b"\n")
        self._carry = pieces.pop()
        lines: list[RawLine] = []
        for piece in pieces:
            self.offset += len(piece) + 1
            if self.skipping:
                self.skipping = False
            elif len(piece) > LONGEST_BYTES:
                lines.append(RawLine(piece[:LONGEST_BYTES], self.offset, cut=True))
            else:
                lines.append(RawLine(piece, self.offset))
        if self.skipping:
            self._pass_over()
        elif len(self._carry) > LONGEST_BYTES:
            beginning = self._carry[:LONGEST_BYTES]
            self._pass_over()
            self.skipping = True
            lines.append(RawLine(beginning, self.offset, cut=True, skipping=True))
        return lines

    def finish(self) -> list[RawLine]:
        """What has begun counts as a line: nothing more comes, or nothing has for a while."""
        if not self._carry:
            return []
        line = self._carry
        self._pass_over()
        return [RawLine(line, self.offset)]

    def _pass_over(self) -> None:
        self.offset += len(self._carry)
        self._carry = b""
