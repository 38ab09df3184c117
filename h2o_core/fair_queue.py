"""A bounded queue that is fair between callers, and knows whom to shed when it is full.

Priorities are strict: nothing of a lower one is taken while a higher one waits, and nothing of a higher one is shed
while a lower one waits. That starves the lower ones under overload, which is what they are for. Within a priority
callers take turns, whatever each of them has brought: nobody waits for more than one request of each other caller
before the next of its own is taken. Whoever has nothing waiting owns no turn and owes none.

Full, the queue makes room for an arriving entry by the first of these that helps:

1. what is past its deadline goes;
2. the newest entry of the lowest priority that waits goes, if the arriving one's is higher;
3. of the same priority, the newest entry of the caller that holds the most goes, if it then still holds no less
   than the arriving one's caller: places are shared out max-min, and nobody takes one back that was just taken from it.

Otherwise the arriving one is refused.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.deadlines import Deadlines
from h2o_core.priorities import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Line:
    """The entries of one priority: callers in the order of their turns, each with its keys, oldest first."""

    __slots__ = ("callers",)

    def __init__(self) -> None:
        self.callers: OrderedDict[str, OrderedDict[int, None]] = OrderedDict()

    def add(self, caller: str, key: int) -> None:
        keys = self.callers.get(caller)
        if keys is None:
            keys = self.callers[caller] = OrderedDict()  # behind all others: a newcomer overtakes nobody's turn
        keys[key] = None

    def remove(self, caller: str, key: int) -> None:
        keys = self.callers[caller]
        del keys[key]
        if not keys:
            del self.callers[caller]

    def first(self) -> int:
        """The oldest key of the caller whose turn it is; the turn passes on."""
        caller, keys = next(iter(self.callers.items()))
        self.callers.move_to_end(caller)
        return next(iter(keys))

    def held(self, caller: str) -> int:
        return len(self.callers.get(caller, ()))

    def greediest(self) -> str:
        """The caller that holds the most; of several the one whose turn is the nearest. A look at each caller."""
        return max(self.callers, key=lambda caller: len(self.callers[caller]))

    def newest(self, caller: str) -> int:
        return next(reversed(self.callers[caller]))


@dataclass(frozen=True, slots=True)
class Offered:
    """What came of an entry's arrival: is it in, and who had to go for it."""

    placed: bool
    expired: tuple[int, ...] = ()
    """Past their deadlines: never started, to be answered TIMEOUT."""
    shed: int | None = None
    """Never started, to be answered OVERLOADED."""


_IN: Final = Offered(placed=True)


class FairQueue:
    """Keys of requests that wait, `size` of them. No operation costs more than one look at each caller that waits."""

    __slots__ = ("_deadlines", "_lines", "_places", "size")

    def __init__(self) -> None:
        self.size = 0
        self._lines = tuple(_Line() for _ in Priority)
        self._places: dict[int, tuple[Priority, str, set[int]]] = {}
        """Key → its priority, its caller, and the bucket of its deadline."""
        self._deadlines = Deadlines()

    def __iter__(self) -> Iterator[int]:
        """All keys, in no particular order."""
        return iter(self._places)

    def offer(self, key: int, caller: str, priority: Priority, deadline_ns: int, capacity: int, now_ns: int) -> Offered:
        """Take *key* in, if the queue of *capacity* has a place for it or it deserves another's.

        *key* must not be in it. It is seen that an entry is past its deadline as late as `Deadlines` sees it.
        """
        if self.size < capacity:
            self._add(key, caller, priority, deadline_ns)
            return _IN
        expired = self._expire(now_ns)
        shed = None
        if self.size >= capacity:
            shed = self._less_deserving(caller, priority) if 0 < capacity == self.size else None
            if shed is None:
                return Offered(placed=False, expired=expired)
            self.discard(shed)
        self._add(key, caller, priority, deadline_ns)
        return Offered(placed=True, expired=expired, shed=shed)

    def take(self) -> int:
        """The next to be started; raises LookupError when nothing waits. Whoever starts it looks at its deadline."""
        for line in self._lines:
            if line.callers:
                key = line.first()
                self.discard(key)
                return key
        msg = "nothing waits"
        raise LookupError(msg)

    def discard(self, key: int) -> None:
        """It waits no more, whatever became of it; one that does not wait here is passed over."""
        place = self._places.pop(key, None)
        if place is None:
            return
        priority, caller, bucket = place
        self._lines[priority].remove(caller, key)
        bucket.discard(key)
        self.size -= 1

    def shrink(self, capacity: int, now_ns: int) -> list[int]:
        """Take out what no longer fits, the least deserving first, and what is past its deadline: return their keys."""
        if self.size <= capacity:
            return []
        out = list(self._expire(now_ns))
        while self.size > capacity:
            line = self._lines[self._lowest()]
            key = line.newest(line.greediest())
            self.discard(key)
            out.append(key)
        return out

    def drain(self) -> list[int]:
        """Empty it; the keys in the order in which they would have been taken."""
        return [self.take() for _ in range(self.size)]

    def waiting(self) -> dict[str, int]:
        """Caller → how many of its entries wait, of all priorities."""
        counts: dict[str, int] = {}
        for line in self._lines:
            for caller, keys in line.callers.items():
                counts[caller] = counts.get(caller, 0) + len(keys)
        return counts

    # ------------------------------------------------------------------ inside

    def _add(self, key: int, caller: str, priority: Priority, deadline_ns: int) -> None:
        self._deadlines.next_ns()  # drops the buckets that are empty: a queue that is never full asks for nothing else
        self._lines[priority].add(caller, key)
        self._places[key] = priority, caller, self._deadlines.add(key, deadline_ns)
        self.size += 1

    def _expire(self, now_ns: int) -> tuple[int, ...]:
        expired = tuple(self._deadlines.expired(now_ns))
        for key in expired:
            self.discard(key)
        return expired

    def _lowest(self) -> Priority:
        """The lowest priority that waits; something must."""
        return next(priority for priority in reversed(Priority) if self._lines[priority].callers)

    def _less_deserving(self, caller: str, priority: Priority) -> int | None:
        """Whose place an arriving entry may have; None: nobody's."""
        lowest = self._lowest()
        line = self._lines[lowest]
        greediest = line.greediest()
        lower = lowest > priority
        if lower or (lowest is priority and line.held(greediest) > line.held(caller) + 1):
            return line.newest(greediest)
        return None
