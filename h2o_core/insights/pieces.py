"""Durations that nobody has added up yet: how many there are, and how many below a limit, is cheap to see. Pure.

Of the thousands of rows that are compared with the rest of their version, few come near to being slower than it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from h2o_core.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Sequence


class Piece(Protocol):
    """A sketch that nothing is added to any more, however it is kept."""

    @property
    def count(self) -> int:
        """Durations recorded."""
        ...

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        ...

    def sketch(self) -> Histogram:
        """The same as a new sketch."""
        ...


class Pieces:
    """Stands for the sum of several sketches, which is made when somebody asks for it first."""

    __slots__ = ("_count", "_pieces", "_whole")

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        self._count: int | None = None
        self._whole: Histogram | None = None

    @property
    def count(self) -> int:
        """Durations recorded."""
        if self._count is None:
            self._count = sum([piece.count for piece in self._pieces])
        return self._count

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        return sum([piece.below(bucket) for piece in self._pieces])

    def whole(self) -> Histogram:
        """The sum; not to be changed."""
        if self._whole is None:
            self._whole = Histogram()
            for piece in self._pieces:
                self._whole.merge(piece.sketch())
        return self._whole
