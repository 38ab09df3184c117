"""When requests run out of time: coarse buckets, so that a request costs two set operations."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import Final

BUCKET_SHIFT: Final = 22
"""A bucket is 2^22 ns = 4.2 ms wide; a deadline is seen at most that late."""


class Deadlines:
    """Keys by deadline. `add` returns the bucket; whoever ends early discards its key from it."""

    __slots__ = ("_buckets", "_order")

    def __init__(self) -> None:
        self._buckets: dict[int, set[int]] = {}
        self._order: list[int] = []

    def add(self, key: int, deadline_ns: int) -> set[int]:
        """Watch *key* until *deadline_ns*; the returned set is where it can be discarded."""
        at = (deadline_ns >> BUCKET_SHIFT) + 1
        bucket = self._buckets.get(at)
        if bucket is None:
            bucket = self._buckets[at] = set()
            heappush(self._order, at)
        bucket.add(key)
        return bucket

    def expired(self, now_ns: int) -> list[int]:
        """Take out the keys whose bucket has passed."""
        keys: list[int] = []
        order = self._order
        while order and order[0] << BUCKET_SHIFT <= now_ns:
            keys.extend(self._buckets.pop(heappop(order)))
        return keys

    def next_ns(self) -> int | None:
        """The time of the first bucket with a key in it; empty ones before it are dropped."""
        order = self._order
        while order and not self._buckets[order[0]]:
            del self._buckets[heappop(order)]
        return order[0] << BUCKET_SHIFT if order else None
