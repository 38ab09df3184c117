"""Virtual time: what is to happen, in order; nothing here knows a clock."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

US = 1_000
MS = 1_000_000
S = 1_000_000_000


class Agenda:
    """Calls by the time that they are due; two of one time come in the order in which they were made."""

    def __init__(self, start_ns: int) -> None:
        self.now = start_ns
        self.steps = 0
        self._heap: list[tuple[int, int, Callable[..., object], tuple[Any, ...]]] = []
        self._order = 0

    def at(self, at_ns: int, call: Callable[..., object], *arguments: Any) -> None:
        """*call* at *at_ns*, or now when that has passed."""
        self._order += 1
        heappush(self._heap, (max(at_ns, self.now), self._order, call, arguments))

    def after(self, ns: int, call: Callable[..., object], *arguments: Any) -> None:
        """*call* in *ns* from now."""
        self.at(self.now + ns, call, *arguments)

    def run(self, until_ns: int) -> None:
        """All that is due until then."""
        heap = self._heap
        while heap and heap[0][0] <= until_ns:
            self.now, _, call, arguments = heappop(heap)
            self.steps += 1
            call(*arguments)
        self.now = until_ns
