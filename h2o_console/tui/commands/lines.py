"""A list with a cursor, as whoever moves it sees it."""

from __future__ import annotations

from typing import Protocol


class Lines(Protocol):
    """A list with a cursor, as far as keys move it."""

    cursor: str

    def select(self, key: str) -> None:
        """Put the cursor on *key*."""
        ...

    def move(self, by: int) -> None:
        """One line down (1) or up (-1)."""
        ...

    def page(self, by: int) -> None:
        """A screen down or up."""
        ...

    def edge(self, by: int) -> None:
        """To the first (-1) or the last (1)."""
        ...
