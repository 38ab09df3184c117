"""A list's rows, kept up with the store: those on screen each second, the others more rarely.

Pure; the moment is an argument. A row that came out equal keeps its version, so nobody paints it again; a
thousand changed rows are spread over several calls, so that a key never waits for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final, Generic, TypeVar

from h2o_console.rows.tables import R

_ON_SCREEN_S: Final = 0.9
_ELSEWHERE_S: Final = 3.9
_AT_ONCE: Final = 50
_NEW_AT_ONCE: Final = 400
_PER_S: Final = 1000
"""Views that are taken in a second, at most."""
_ASLEEP_S: Final = 2.0
"""When nobody has asked for so long, nobody was looking: what is there is from then."""

V = TypeVar("V")


class Board(Generic[R]):
    """All rows of one kind by true name, each with a version that rises when it changes, as `generation` does for any.

    *dirty* takes the names whose row may have changed since it was last asked; *make* makes a row, None when
    nothing is left to say of it. *elsewhere_s*: how often those that are not on screen are made anew.
    """

    def __init__(
        self,
        dirty: Callable[[float], set[str]],
        make: Callable[[str, float], R | None],
        elsewhere_s: float = _ELSEWHERE_S,
    ) -> None:
        self._dirty = dirty
        self._elsewhere_s = elsewhere_s
        self._make_row = make
        self.rows: dict[str, R] = {}
        self.versions: dict[str, int] = {}
        self.generation = 0
        self._updated_s = self._woke_s = float("-inf")
        self._made_s: dict[str, float] = {}
        self._waiting: dict[str, None] = {}
        self._talking: set[str] = set()

    def update(self, now_s: float, on_screen: Collection[str] = ()) -> bool:
        """Recompute what is due; True when any row changed, came or went."""
        # Sentences say how long something has been so: rows that have one are made again without other cause.
        self._waiting.update(dict.fromkeys(self._dirty(now_s) | self._talking))
        if now_s - self._updated_s > _ASLEEP_S:
            self._woke_s = now_s
        self._updated_s = now_s
        changed = False
        for name in self._due(now_s, on_screen):
            self._waiting.pop(name, None)
            self._made_s[name] = now_s
            changed |= self._make(name, now_s)
        self.generation += changed
        return changed

    def _due(self, now_s: float, on_screen: Collection[str]) -> list[str]:
        """What is on screen first; then what is new or was slept through; of the rest a few, the longest waiting."""
        seen = set(on_screen)
        due = [name for name in on_screen if name in self._waiting and now_s - self._made(name) >= _ON_SCREEN_S]
        new = old = 0
        for name in self._waiting:
            if name in seen:
                continue
            if name not in self.rows or self._made(name) < self._woke_s:
                if new < _NEW_AT_ONCE:
                    due.append(name)
                    new += 1
            elif old < _AT_ONCE and now_s - self._made(name) >= self._elsewhere_s:
                due.append(name)
                old += 1
        return due

    def _made(self, name: str) -> float:
        return self._made_s.get(name, float("-inf"))

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


class Snapshot(Generic[V]):
    """Views that come all at once: taken once a second, of a large fleet more rarely; all of them are dirty then."""

    def __init__(self, take: Callable[[float], Iterable[V]], key: Callable[[V], str]) -> None:
        self._take = take
        self._key = key
        self._taken_s = float("-inf")
        self.views: dict[str, V] = {}

    def dirty(self, now_s: float) -> set[str]:
        """Take them when it is time; the names of those that came, went or may have changed."""
        if now_s - self._taken_s < max(_ON_SCREEN_S, len(self.views) / _PER_S):
            return set()
        before, self._taken_s = self.views, now_s
        self.views = {self._key(view): view for view in self._take(now_s)}
        return {*before, *self.views}
