"""What the menu offers, and what an offer may ask of the console that it was made in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from h2o_console.acting.request import Request
    from h2o_console.rows.cells import Tone
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Says


class Actor(Protocol):
    """As much of the console as changes something."""

    def say(self, text: str, tone: Tone = ...) -> None:
        """A sentence in the status line."""
        ...

    def act(self, *requests: Request) -> None:
        """Show the plan of each, one after the other, and carry out what is agreed to."""
        ...

    def ask(self, mark: str, text: str = "") -> None:
        """Open the line at the bottom."""
        ...

    def note(self, key: Key, says: Says, until_s: float, reason: str) -> None:
        """Say so of a finding; 0 takes it back."""
        ...

    def when_armed(self, what: str, then: Callable[[], None]) -> None:
        """Do *then* once this console may change something; asks for *what* where it may not yet."""
        ...


@dataclass(frozen=True, slots=True)
class Offer:
    """A line of the menu: `run` is what the letter does; None: it is grey, and `why`."""

    letter: str
    does: str
    run: Callable[[], None] | None = None
    why: str = ""
