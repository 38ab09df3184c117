"""Who got slots and who got none, while there are not enough: so that starvation has names. Pure.

It exists only while requests have to wait, and for as long after that as it looks back: callers of a package
with slots to spare are not counted one by one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LOOKS_BACK_S: Final = 10
MOST_CALLERS: Final = 64
"""Named in one second; what others did is counted under `OTHERS`."""
OTHERS: Final = "others"
_S: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Share:
    """What one caller got in the last seconds."""

    started: int
    refused: int
    """Not executed for want of a slot: refused on arrival, shed from the queue, or out of time in it."""


class Contention:
    """Starts and refusals by calling package, in whole seconds of the last `LOOKS_BACK_S`."""

    __slots__ = ("_began_s", "_seconds", "_wanted_s")

    def __init__(self, now: int) -> None:
        """*now*: monotonic ns, here and everywhere."""
        self._began_s = self._wanted_s = now // _S
        self._seconds: dict[int, dict[str, tuple[int, int]]] = {}
        """Second → caller → started, refused."""

    def wanted(self, now: int) -> None:
        """A request found no free slot."""
        self._wanted_s = now // _S

    def started(self, caller: str, now: int) -> None:
        """A request of *caller* was given to an instance."""
        self._count(caller, now // _S, 1, 0)

    def refused(self, caller: str, now: int) -> None:
        """A request of *caller* was not executed for want of a slot."""
        self._wanted_s = now // _S
        self._count(caller, self._wanted_s, 0, 1)

    def is_over(self, now: int) -> bool:
        """Nobody has waited for as long as this looks back."""
        return now // _S - self._wanted_s > LOOKS_BACK_S

    def seconds(self, now: int) -> int:
        """Over how many of them `shares` adds up."""
        return min(LOOKS_BACK_S, now // _S - self._began_s + 1)

    def shares(self, now: int) -> dict[str, Share]:
        """Caller → what it got in the last seconds, this one included."""
        oldest = now // _S - LOOKS_BACK_S + 1
        sums: dict[str, tuple[int, int]] = {}
        for second, callers in self._seconds.items():
            if second >= oldest:
                for caller, (started, refused) in callers.items():
                    before = sums.get(caller, (0, 0))
                    sums[caller] = before[0] + started, before[1] + refused
        return {caller: Share(*counts) for caller, counts in sums.items()}

    def _count(self, caller: str, second: int, started: int, refused: int) -> None:
        callers = self._seconds.get(second)
        if callers is None:
            for old in [one for one in self._seconds if one <= second - LOOKS_BACK_S]:
                del self._seconds[old]
            callers = self._seconds[second] = {}
        if caller not in callers and len(callers) >= MOST_CALLERS:
            caller = OTHERS
        before = callers.get(caller, (0, 0))
        callers[caller] = before[0] + started, before[1] + refused
