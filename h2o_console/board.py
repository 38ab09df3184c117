"""The Packages view's rows, kept up with the store: recomputed where something changed, at most once a second.

Pure; the moment is an argument. A row that came out equal keeps its version, so nobody paints it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows import PackageRow, package_row

if TYPE_CHECKING:
    from h2o_console.store import Store

_EVERY_S: Final = 0.9


class Board:
    """All packages' rows by true name, each with a version that rises when it changes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.rows: dict[str, PackageRow] = {}
        self.versions: dict[str, int] = {}
        self._made_s: dict[str, float] = {}
        self._waiting: set[str] = set(store.names())

    def update(self, now_s: float) -> bool:
        """Recompute what is due; True when any row changed, came or went."""
        # Sentences say how long something has been so: rows that have one are made again each second.
        talking = {name for name, row in self.rows.items() if row.reasons}
        changed = False
        for name in self._store.take_dirty(now_s) | self._waiting | talking:
            if now_s - self._made_s.get(name, -_EVERY_S) < _EVERY_S:
                self._waiting.add(name)
                continue
            self._waiting.discard(name)
            self._made_s[name] = now_s
            changed |= self._make(name, now_s)
        return changed

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
