"""The Packages view's rows, kept up with the store: those on screen each second, the others more rarely.

Pure; the moment is an argument. A row that came out equal keeps its version, so nobody paints it again; a
thousand changed rows are spread over several calls, so that a key never waits for them.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from h2o_console.rows.table import PackageRow, package_row

if TYPE_CHECKING:
    from h2o_console.store.fleet import Store

_ON_SCREEN_S: Final = 0.9
_ELSEWHERE_S: Final = 3.9
_AT_ONCE: Final = 50


class Board:
    """All packages' rows by true name, each with a version that rises when it changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.rows: dict[str, PackageRow] = {}
        self.versions: dict[str, int] = {}
        self._made_s: dict[str, float] = {}
        self._waiting: set[str] = set(store.names())

    def update(self, now_s: float, on_screen: Collection[str] = ()) -> bool:
        """Recompute what is due; True when any row changed, came or went."""
        # Sentences say how long something has been so: rows that have one are made again without other cause.
        talking = {name for name, row in self.rows.items() if row.reasons}
        self._waiting |= self._store.take_dirty(now_s) | talking
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
        view = self._store.package(name, now_s)
        if view is None:
            self._made_s.pop(name, None)
            self.versions.pop(name, None)
            return self.rows.pop(name, None) is not None
        row = package_row(view)
        if self.rows.get(name) == row:
            return False
        self.rows[name] = row
        self.versions[name] = self.versions.get(name, 0) + 1
        return True
