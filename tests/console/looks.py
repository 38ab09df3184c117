"""Somebody looks at a store, at once and without a loop: as the feed does every few seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from h2o_console.feed.looking import Looker

if TYPE_CHECKING:
    from h2o_console.store.fleet import Store


class Looks:
    """A `Looker` whose every look is over when `look` returns."""

    def __init__(self, store: Store, clock: Callable[[], float], wall: Callable[[], float]) -> None:
        self.looker = Looker(store, clock, wall, clock)

    def look(self) -> None:
        """Once."""
        looking = self.looker.look()
        try:
            while True:  # it lets others go on in between, and here are none
                looking.send(None)
        except StopIteration:
            return
