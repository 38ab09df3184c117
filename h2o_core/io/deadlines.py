"""Deadlines of everything in flight, swept with one timer instead of one timer a call.

Almost every call ends long before its deadline, so nothing is sorted: the table knows the earliest
deadline it has *seen* and looks through itself only when that one has passed. With calls of one
second each that is about one sweep a second, however many calls a second there are.
"""

from __future__ import annotations

from typing import Final

COARSE_NS: Final = 10_000_000
"""Sweeps are at least this far apart, so a flood of different deadlines can't eat the processor."""

_NEVER: Final = 1 << 63


class Deadlines:
    """Key → deadline, in nanoseconds of the monotonic clock."""

    __slots__ = ("_earliest_ns", "_table")

    def __init__(self) -> None:
        self._table: dict[int, int] = {}
        self._earliest_ns = _NEVER

    def __len__(self) -> int:
        return len(self._table)

    def add(self, key: int, deadline_ns: int) -> bool:
        """Remember *key*; True when it is now the first to be due, so that the timer has to be set again."""
        self._table[key] = deadline_ns
        if deadline_ns < self._earliest_ns:
            self._earliest_ns = deadline_ns
            return True
        return False

    def discard(self, key: int) -> None:
        """Forget *key*; unknown ones are ignored."""
        self._table.pop(key, None)

    def next_wakeup_ns(self) -> int | None:
        """When to call `sweep`: often too early, at most COARSE_NS late. None while there is nothing."""
        return None if self._earliest_ns == _NEVER else self._earliest_ns

    def sweep(self, now_ns: int) -> list[int]:
        """Remove and return the keys that are due at *now_ns*, the longest overdue first."""
        if now_ns < self._earliest_ns:
            return []
        due = [key for key, deadline_ns in self._table.items() if deadline_ns <= now_ns]
        due.sort(key=self._table.__getitem__)
        for key in due:
            del self._table[key]
        earliest_ns = min(self._table.values(), default=_NEVER)
        self._earliest_ns = earliest_ns if earliest_ns == _NEVER else max(earliest_ns, now_ns + COARSE_NS)
        return due
