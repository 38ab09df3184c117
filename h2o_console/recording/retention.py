"""Which segments of a recording make room for new ones: the older, the thinner. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_WRONG_S: Final = 86_400.0
"""So far in the future only a wrong clock has been."""


@dataclass(frozen=True, slots=True, order=True)
class Kept:
    """A segment: when it began (Unix time, s), and its bytes."""

    began_s: float
    size: int
    name: str


def superfluous(kept: Iterable[Kept], now_s: float, keep_s: float, most_bytes: int) -> list[Kept]:
    """Those to remove: what is older than *keep_s* or from the future; then, until the rest fits, what is missed least.

    That is the one whose removal leaves the smallest gap for its age: so the last minutes stay whole, and of the hours
    before there is less and less, but something everywhere.
    """
    by_age = sorted(kept)
    left = [one for one in by_age if -_WRONG_S < now_s - one.began_s <= keep_s]
    removed = [one for one in by_age if one not in left]
    size = sum(one.size for one in left)
    while left and size > most_bytes:
        times = [now_s - keep_s, *(one.began_s for one in left), now_s]

        def gap(at: int, times: list[float] = times) -> float:
            return (times[at + 2] - times[at]) / max(now_s - times[at + 1], 1.0)

        least = min(range(len(left)), key=gap)
        removed.append(left[least])
        size -= left.pop(least).size
    return removed
