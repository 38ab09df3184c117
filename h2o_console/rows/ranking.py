"""The order of a list under a cursor: sorted, filtered, and held still while somebody is typing.

Pure; the moment is an argument. Values change each second, but rows move at most every 5 s, and never within
2 s of a key: what is under the finger stays there. A new row joins at the end until the next ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from h2o_console.rows.table import PackageRow

MOVE_S: Final = 5.0
STILL_S: Final = 2.0


class Sort(Enum):
    """What the list is sorted by."""

    TROUBLE = "trouble"
    NAME = "name"
    RPS = "requests"
    P95 = "p95"
    ERR = "errors"
    INSTANCES = "instances"


def _errors(row: PackageRow) -> float:
    return row.failed / row.requests if row.requests else -1.0


def _instances(row: PackageRow) -> int:
    head, _, _ = row.instances.partition("/")
    return int(head) if head.isdecimal() else 0


_KEYS: Final[Mapping[Sort, Callable[[PackageRow], tuple[Any, ...]]]] = {
    Sort.TROUBLE: lambda row: (-row.glyph, -row.hurt, row.name),
    Sort.NAME: lambda row: (row.name,),
    Sort.RPS: lambda row: (-(row.rps if row.rps is not None else -1.0), row.name),
    Sort.P95: lambda row: (-(row.p95_ms if row.p95_ms is not None else -1.0), row.name),
    Sort.ERR: lambda row: (-_errors(row), -row.failed, row.name),
    Sort.INSTANCES: lambda row: (-_instances(row), row.name),
}
"""As people want them: the worst, the most, the alphabet."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the person asked to see."""

    sort: Sort = Sort.TROUBLE
    reverse: bool = False
    filter: str = ""
    problems: bool = False


def matches(row: PackageRow, wanted: Wanted) -> bool:
    """Is the row to be shown?"""
    return (row.problem or not wanted.problems) and matches_text(row.name, wanted.filter)


def matches_text(text: str, typed: str) -> bool:
    """``/cust`` finds all letters in their order; ``/!cust`` leaves out what contains the word as it stands."""
    if typed.startswith("!"):
        return not typed[1:] or typed[1:].casefold() not in text.casefold()
    letters = iter(text.casefold())
    return all(letter in letters for letter in typed.casefold() if not letter.isspace())


class Ranking:
    """Keys in the order in which they are shown."""

    def __init__(self) -> None:
        self.wanted = Wanted()
        self.order: tuple[str, ...] = ()
        self._ranked_s = float("-inf")
        self._key_s = float("-inf")

    def touched(self, now_s: float) -> None:
        """A key was pressed."""
        self._key_s = now_s

    def want(self, wanted: Wanted, rows: Mapping[str, PackageRow], now_s: float) -> None:
        """The person asked for another order or choice: it comes at once."""
        self.wanted = wanted
        self._rank(rows, "", now_s)

    def update(self, rows: Mapping[str, PackageRow], pinned: str, now_s: float) -> None:
        """Rows changed: move them if it is time, else let only what is gone go and what is new come.

        *pinned*, the row under the cursor, is not taken away because it healed.
        """
        pinned = pinned if pinned in self.order else ""
        if now_s - self._ranked_s >= MOVE_S and now_s - self._key_s >= STILL_S:
            self._rank(rows, pinned, now_s)
            return
        shown = {key for key, row in rows.items() if key == pinned or matches(row, self.wanted)}
        kept = [key for key in self.order if key in shown]
        self.order = (*kept, *self._sorted(rows[key] for key in shown.difference(kept)))

    def _rank(self, rows: Mapping[str, PackageRow], pinned: str, now_s: float) -> None:
        self.order = tuple(self._sorted(row for key, row in rows.items() if key == pinned or matches(row, self.wanted)))
        if self.order:
            self._ranked_s = now_s

    def _sorted(self, rows: Iterable[PackageRow]) -> list[str]:
        ordered = sorted(rows, key=_KEYS[self.wanted.sort], reverse=self.wanted.reverse)
        return [row.key for row in ordered]
