"""A ration: so many a second, all of them at once if they come so. Pure."""

from __future__ import annotations

from typing import Final

SECOND_NS: Final = 1_000_000_000


class Ration:
    """Who asks about a request has often just made several: an even pace would miss all but the first."""

    __slots__ = ("_a_second", "_left", "_until_ns", "next_ns")

    def __init__(self, a_second: int) -> None:
        self.next_ns = 0
        """From then on (monotonic) one more may be taken."""
        self._a_second = a_second
        self._left = 0
        self._until_ns = 0

    def take(self, now: int) -> None:
        """One is taken."""
        if now >= self._until_ns:
            self._until_ns, self._left = now + SECOND_NS, self._a_second
        self._left -= 1
        self.next_ns = now if self._left else self._until_ns
