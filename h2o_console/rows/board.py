"""A list's rows, kept up with the store: those on screen each second, the others more rarely.

Pure; the moment is an argument. A row that came out equal keeps its version, so nobody paints it again; a
thousand changed rows are spread over several calls, so that a key never waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, Generic

from h2o_console.rows.tables import R

_ON_SCREEN_S: Final = 0.9
_ELSEWHERE_S: Final = 3.9
_AT_ONCE: Final = 50


class Board(Generic[R]):
    """All rows of one kind by true name, each with a version that rises when it changes.

    *dirty* takes the names whose row may have changed since it was last asked; *make* makes a row, None when
    nothing is left to say of it.
    """

    def __init__(self, dirty: Callable[[float], set[str]], make: Callable[[str, float], R | None]) -> None:
        self._dirty = dirty
        self._make_row = make
        self.rows: dict[str, R] = {}
        self.versions: dict[str, int] = {}
        self._made_s: dict[str, float] = {}
        self._waiting: set[str] = set()
        self._talking: set[str] = set()

    def update(self, now_s: float, on_screen: Collection[str] = ()) -> bool:
        """Recompute what is due; True when any row changed, came or went."""
        # Sentences say how long something has been so: rows that have one are made again without other cause.
        self._waiting |= self._dirty(now_s) | self._talking
        seen = set(on_screen)
        due = [name for name in self._waiting if self._is_due(name, now_s, seen)]
        due.sort(key=lambda name: (name in self.rows and name not in seen, self._made_s.get(name, 0.0)))
        urgent = sum(name in seen or name not in self.rows for name in due)
        changed = False
        for name in due[: urgent + _AT_ONCE]:
            self._waiting.discard(name)
            self._made_s[name] = now_s
            changed |= self._make(name, now_s)
        return changed

    def _is_due(self, name: str, now_s: float, seen: Collection[str]) -> bool:
        made_s = self._made_s.get(name)
        if made_s is None or name not in self.rows:
            return True
        return now_s - made_s >= (_ON_SCREEN_S if name in seen else _ELSEWHERE_S)

    def _make(self, name: str, now_s: float) -> bool:
        row = self._make_row(name, now_s)
        if row is None:
            self._made_s.pop(name, None)
            self.versions.pop(name, None)
            self._talking.discard(name)
            return self.rows.pop(name, None) is not None
        (self._talking.add if row.ages else self._talking.discard)(name)
        if self.rows.get(name) == row:
            return False
        self.rows[name] = row
        self.versions[name] = self.versions.get(name, 0) + 1
        return True
