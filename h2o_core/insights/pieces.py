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
        """The same as one sketch; not to be changed."""
        ...


Timed = Histogram | Piece
"""Durations, added up or not."""


def sketch_of(timed: Timed) -> Histogram:
    """Added up; not to be changed."""
    return timed if isinstance(timed, Histogram) else timed.sketch()


class Pieces:
    """Stands for the sum of several sketches, which is made when somebody asks for it first."""

    __slots__ = ("_count", "_pieces", "_sketch")

    def __init__(self, pieces: Sequence[Timed]) -> None:
        self._pieces = pieces
        self._count: int | None = None
        self._sketch: Histogram | None = None

    @property
    def count(self) -> int:
        """Durations recorded."""
        if self._count is None:
            self._count = sum([piece.count for piece in self._pieces])
        return self._count

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        return sum([piece.below(bucket) for piece in self._pieces])

    def sketch(self) -> Histogram:
        """The sum; not to be changed."""
        if self._sketch is None:
            self._sketch = Histogram()
            for piece in self._pieces:
                self._sketch.merge(sketch_of(piece))
        return self._sketch


class Rest:
    """What is left of a whole without its parts; taken away when somebody asks for it first."""

    __slots__ = ("_parts", "_sketch", "_whole")

    def __init__(self, whole: Timed, parts: Sequence[Timed]) -> None:
        self._whole, self._parts = whole, Pieces(parts)
        self._sketch: Histogram | None = None

    @property
    def count(self) -> int:
        """Durations recorded."""
        return self._whole.count - self._parts.count

    def below(self, bucket: int) -> int:
        """How many durations are in lower buckets than this."""
        return self._whole.below(bucket) - self._parts.below(bucket)

    def sketch(self) -> Histogram:
        """What is left; not to be changed. Never below zero, should a part have been read a moment later."""
        if self._sketch is None:
            self._sketch = left = Histogram()
            whole, part = sketch_of(self._whole), self._parts.sketch()
            left.zero, left.sum_ns = max(0, whole.zero - part.zero), max(0, whole.sum_ns - part.sum_ns)
            known = part.buckets.get
            left.buckets = {at: more for at, count in whole.buckets.items() if (more := count - known(at, 0)) > 0}
        return self._sketch
