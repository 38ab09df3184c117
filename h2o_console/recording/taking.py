"""What was heard, taken in moment by moment as it was then: into the store, and looked at for what is wrong.

What lies further back is taken in sparsely: of a quarter of an hour that the last minute is compared with, a reading of
each host in half a minute says enough.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.intake import Intake
from h2o_console.feed.looking import PATIENCE_S, SELDOM_S, Looker

if TYPE_CHECKING:
    from h2o_console.store.fleet import Store

_SPARSE_S: Final = 20.0
_SPARSE_LOOKS_S: Final = 30.0
_STEADY_S: Final = 80.0
"""After the sparse part, so long a look in ten seconds is enough, as in a large fleet."""
_UNHURRIED_S: Final = 60.0
"""How often a host is expected to be heard while it is taken in sparsely: nothing is silent for that."""


class Taking:
    """Moments are the recording's (Unix, s), and never go back; *stage_s* added to one is the store's."""

    def __init__(self, store: Store, stage_s: float, sure_s: float = float("-inf")) -> None:
        """Up to *sure_s* it is sparse."""
        self._stage_s = stage_s
        self._sure_s = sure_s
        self._at_s = float("-inf")
        self._began_s: float | None = None
        self._looked_s = float("-inf")
        self._taken_s: dict[str, float] = {}
        self._expected: dict[str, Heard] = {}
        self._looker = Looker(store, clock=lambda: self._at_s + self._stage_s, wall=lambda: self._at_s)
        self._store, self._intake = store, Intake(store)

    def take_over(self, store: Store) -> None:
        """From now on it goes into *store*, which knows what the one before knew."""
        self._store, self._intake = store, Intake(store)
        self._looker.take_over(store)

    def take(self, heard: Heard, at_s: float) -> None:
        """One thing that was heard."""
        self.look_until(at_s)
        if (sparse := self._sparsely(heard, at_s)) is None:
            return
        try:
            self._intake.take(sparse, at_s + self._stage_s)
        except OutOfReach:
            return  # the poller could not read it either; what it made of that follows

    def _sparsely(self, heard: Heard, at_s: float) -> Heard | None:
        """What of it to take in."""
        if at_s > self._sure_s:
            self._expect_as_heard(at_s)
            return heard
        match heard.kind:
            case Kind.STATS if at_s - self._taken_s.get(heard.of, float("-inf")) < _SPARSE_S:
                return None
            case Kind.STATS:
                self._taken_s[heard.of] = at_s
            case Kind.EXPECT:
                self._expected[heard.of] = heard
                return replace(heard, seconds=_UNHURRIED_S)
            case _:
                pass
        return heard

    def _expect_as_heard(self, at_s: float) -> None:
        while self._expected:
            _, heard = self._expected.popitem()
            self._intake.take(heard, at_s + self._stage_s)

    def look_until(self, at_s: float) -> None:
        """Look for what is wrong, until then as often as a poller's looker might have."""
        self._at_s = max(self._at_s, at_s)
        if self._began_s is None:
            self._began_s = at_s
        if self._at_s - self._looked_s < self._every_s():
            return
        if not self._store.heard() and self._at_s - self._began_s < PATIENCE_S:
            return
        self._looked_s = self._at_s
        _do(self._looker.look_safely())

    def _every_s(self) -> float:
        if self._at_s <= self._sure_s:
            return _SPARSE_LOOKS_S
        return SELDOM_S if self._at_s <= self._sure_s + _STEADY_S else self._looker.every_s


def _do(steps: Coroutine[Any, Any, None]) -> None:
    """All of it at once: in a thread of its own nobody else has a turn."""
    try:
        while True:
            steps.send(None)
    except StopIteration:
        return
