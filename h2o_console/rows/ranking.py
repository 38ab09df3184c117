"""The order of a list under a cursor: sorted, filtered, and held still while somebody is typing.

Pure; the moment is an argument. Values change each second, but rows move at most every 5 s, and never within
2 s of a key: what is under the finger stays there. A new row joins at the end until the next ranking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Generic

from h2o_console.rows.cells import Glyph
from h2o_console.rows.places import Wanted
from h2o_console.rows.tables import R, Row, Table

MOVE_S: Final = 5.0
STILL_S: Final = 2.0


def matches(row: Row, wanted: Wanted) -> bool:
    """Is the row to be shown?"""
    return (row.glyph >= Glyph.UNKNOWN or not wanted.problems) and matches_text(row.found_by, wanted.filter)


def matches_text(text: str, typed: str) -> bool:
    """``/cust`` finds all letters in their order; ``/!cust`` leaves out what contains the word as it stands."""
    if not typed:
        return True
    if typed.startswith("!"):
        return not typed[1:] or typed[1:].casefold() not in text.casefold()
    among, at = text.casefold(), 0
    for letter in typed.casefold():
        if not letter.isspace():
            at = among.find(letter, at) + 1
            if not at:
                return False
    return True


class Ranking(Generic[R]):
    """Keys of a table's rows in the order in which they are shown."""

    def __init__(self, table: Table[R], wanted: Wanted = Wanted()) -> None:  # noqa: B008 - a frozen value
        self.wanted = wanted
        self.order: tuple[str, ...] = ()
        self._sorts = table.sorts
        self._own = table.order
        self._ranked_s = float("-inf")
        self._key_s = float("-inf")
        self._pinned = ""
        self._matched: dict[str, tuple[R, bool]] = {}

    @property
    def sort(self) -> str:
        """What it is sorted by, by name."""
        return self.wanted.sort if self.wanted.sort in self._sorts else self._own

    def touched(self, now_s: float) -> None:
        """A key was pressed."""
        self._key_s = now_s

    def want(self, wanted: Wanted, rows: Mapping[str, R], now_s: float) -> None:
        """The person asked for another order or choice: it comes at once."""
        self.wanted = wanted
        self._matched.clear()
        self._rank(rows, "", now_s)

    def update(self, rows: Mapping[str, R], pinned: str, now_s: float, *, changed: bool = True) -> None:
        """Rows *changed*: move them if it is time, else let only what is gone go and what is new come.

        *pinned*, the row under the cursor, is not taken away because it healed.
        """
        pinned = pinned if pinned in self.order else ""
        if now_s - self._ranked_s >= MOVE_S and now_s - self._key_s >= STILL_S:
            self._rank(rows, pinned, now_s)
            return
        if not changed and pinned == self._pinned:
            return
        self._pinned = pinned
        shown = {key for key, row in rows.items() if key == pinned or self._matches(row)}
        kept = [key for key in self.order if key in shown]
        self.order = (*kept, *self._sorted(rows[key] for key in shown.difference(kept)))

    def _rank(self, rows: Mapping[str, R], pinned: str, now_s: float) -> None:
        self._pinned = pinned
        if len(self._matched) > 2 * len(rows) + 100:
            self._matched.clear()
        self.order = tuple(self._sorted(row for key, row in rows.items() if key == pinned or self._matches(row)))
        if self.order:
            self._ranked_s = now_s

    def _matches(self, row: R) -> bool:
        """Looked at again only when the row is another one: letters are sought in thousands of rows."""
        known = self._matched.get(row.key)
        if known is None or known[0] is not row:
            known = self._matched[row.key] = row, matches(row, self.wanted)
        return known[1]

    def _sorted(self, rows: Iterable[R]) -> list[str]:
        ordered = sorted(rows, key=self._sorts[self.sort], reverse=self.wanted.reverse)
        return [row.key for row in ordered]
