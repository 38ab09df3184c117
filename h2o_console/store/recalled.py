"""What hosts remember of the quarter of an hour before anybody watched, told once by each. Pure.

The last minute is compared with shares and quantiles of it, never with rates: a host whose part is missing makes
nothing less. But hosts are not all alike, so a package's past counts only when most of those that it runs on have told
theirs, and is unknown until then.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.store.windows import Tally, add_counts

if TYPE_CHECKING:
    from h2o_console.feed.histories import Remembered

SLOT_S: Final = 240.0
"""Agents add up their minutes: so a quarter of an hour of a large fleet is read in half a second."""
ENOUGH: Final = 0.75
"""Of the hosts that a package runs on."""
_MOST_HERE: Final = 4096
"""Versions of a host, times slots."""
Version = tuple[str, str]
"""Package and version."""


@dataclass(slots=True)
class _Slot:
    """All hosts together."""

    counted: dict[Version, Tally] = field(default_factory=dict[Version, Tally])
    ready: Counter[str] = field(default_factory=Counter[str])


class Recalled:
    """Slots are numbered from the first one that was told of, on the store's clock."""

    def __init__(self) -> None:
        self._hosts: set[str] = set()
        self._slots: defaultdict[int, _Slot] = defaultdict(_Slot)
        self._first_s: float | None = None

    def __bool__(self) -> bool:
        """Somebody remembers something."""
        return bool(self._slots)

    def put(self, host: str, told: Iterable[Remembered], now_s: float) -> None:
        """What *host* has just told; what it tells again is known."""
        if host in self._hosts:
            return
        self._hosts.add(host)
        for number, one in enumerate(told):
            if number >= _MOST_HERE:
                return
            slot = self._slots[self._number(now_s - one.ago_s)]
            slot.ready[one.package] += one.ready
            tally = slot.counted.setdefault((one.package, one.version), Tally())
            add_counts(tally.outcomes, one.outcomes)
            tally.sketch.merge(one.times)

    def _number(self, ended_s: float) -> int:
        """Hosts' slots end together, but each tells of them a moment later than the one before."""
        if self._first_s is None:
            self._first_s = ended_s
        return round((ended_s - self._first_s) / SLOT_S)

    def within(self, from_s: float, to_s: float, homes: Mapping[str, set[str]]) -> Iterator[dict[Version, Tally]]:
        """Slot by slot, those that lie wholly within; *homes*: package → hosts that it runs on."""
        first_s = self._first_s or 0.0
        for number, slot in self._slots.items():
            ends_s = first_s + number * SLOT_S
            if from_s <= ends_s - SLOT_S and ends_s <= to_s:
                known = {package for package in slot.ready if self._knows(homes.get(package, set()))}
                yield {version: tally for version, tally in slot.counted.items() if version[0] in known}

    def _knows(self, homes: set[str]) -> bool:
        return len(homes & self._hosts) >= ENOUGH * len(homes)

    def peaks(self) -> Iterator[Mapping[str, int]]:
        """Package → instances that were ready at a slot's end: at least so many."""
        return (slot.ready for slot in self._slots.values())

    def forget(self, until_s: float) -> None:
        """Drop the slots that ended by then."""
        first_s = self._first_s or 0.0
        for number in [number for number in self._slots if first_s + number * SLOT_S <= until_s]:
            del self._slots[number]
