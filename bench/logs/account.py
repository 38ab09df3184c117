"""Every writer's lines by their numbers: what came, what is missing, what came twice, and how late. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Account:
    """Feed it the attributes of each line."""

    doubled: int = 0
    delays_s: list[float] = field(default_factory=list[float])
    _seen: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _totals: dict[str, int] = field(default_factory=dict[str, int])

    def came(self, attributes: Mapping[str, Any], now_s: float, *, last: bool) -> None:
        """A line of a writer; others are none of ours. *last*: it says with its number how many came before it."""
        who, number, written_s = attributes.get("w"), attributes.get("n"), attributes.get("t")
        if not isinstance(who, str) or not isinstance(number, int) or not isinstance(written_s, float):
            return
        if number in self._seen[who]:
            self.doubled += 1
        self._seen[who].add(number)
        self.delays_s.append(now_s - written_s)
        if last:
            self._totals[who] = number + 1

    @property
    def lines(self) -> int:
        """All that came, none twice."""
        return sum(map(len, self._seen.values()))

    @property
    def finished(self) -> int:
        """Writers whose last line has come."""
        return len(self._totals)

    @property
    def lost(self) -> int:
        """Of the writers that have finished."""
        return sum(total - len(self._seen[who]) for who, total in self._totals.items())
