"""What every screen of the console is: lines to show, their heads and foot, and where enter goes.

A screen paints nothing and knows no widget: `h2o_console.tui.frame` shows the one that the journey has come to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.places import Look, Place
from h2o_console.text import safe
from h2o_core.figures import many

if TYPE_CHECKING:
    from h2o_console.rows.cells import Cell, Glyph, Line
    from h2o_console.tui.acting.offer import Actor, Offer
    from h2o_console.tui.session import Session
    from h2o_core.audit import Entry


class ConsoleScreen(ABC):
    """One place on screen. `order` are the keys of its lines from the top; `shape` rises when all lines change.

    `ends_at`: the last line, when the list is to stay at its end ("": it is not).
    """

    has_cursor: ClassVar[bool] = True
    hints: ClassVar[tuple[str, ...]] = ("open", "back", "help", "freeze", "quit")
    """Commands that the status line names, by id."""
    filter_by: ClassVar[str] = "filter"
    """The command that what is typed after ``/`` goes to."""

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        self.session = session
        self.place = place
        self.began = look
        self.order: tuple[str, ...] = ()
        self.shape = 0
        self.ends_at = ""

    @property
    def settled(self) -> bool:
        """It has what it shows; until then it is brought up to date also while the picture is frozen."""
        return True

    @property
    def glyphs(self) -> Mapping[Glyph, int]:
        """How many packages are how, for the header."""
        return self.session.glyphs

    @property
    def crumb(self) -> str:
        """Its part of the breadcrumbs."""
        return self.place.crumb

    @property
    def crumbs(self) -> tuple[str, ...]:
        """What stands before it where nothing else leads to it."""
        return ()

    @abstractmethod
    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """Bring `order` and lines up to now, for so many (columns, lines)."""

    @abstractmethod
    def version(self, key: str, /) -> int:
        """Raised by whatever changes the key's line."""

    @abstractmethod
    def line(self, key: str, width: int, /) -> Line:
        """The key's line."""

    def heads(self) -> Sequence[Line]:
        """Above the lines, not scrolled."""
        return ()

    def empty(self) -> Sequence[Cell]:
        """What stands there when there are no lines."""
        return ()

    def foot(self, cursor: str) -> Sequence[Line]:
        """Below the lines, about the one under the cursor."""
        del cursor
        return ()

    def position(self, visible: int) -> str:
        """On the right of the status line, with *visible* lines on screen."""
        hidden = len(self.order) - visible
        return f"{many(hidden, 'line')} more by scrolling" if hidden > 0 else ""

    def opens(self, key: str) -> Place | None:
        """Where enter goes from the key's line."""
        return self.line(key, 200).opens

    def resource(self, key: str) -> Place | None:
        """What the key's line stands for."""
        return self.opens(key)

    def concerns(self, key: str) -> Sequence[Place]:
        """What a change would be about, at the key's line: hosts, packages, instances."""
        place = self.resource(key)
        return () if place is None else (place,)

    def entry(self, key: str) -> Entry | None:
        """The control change that the key's line stands for."""
        del key
        return None

    def actions(self, key: str, desk: Actor) -> Sequence[Offer]:
        """What the menu offers at the key's line besides the changes that every resource has."""
        del key, desk
        return ()

    def copied(self, key: str) -> str:
        """What copying takes from the key's line: its resource's name."""
        place = self.resource(key)
        return safe(place.key, 500) if place else ""

    def gone(self, key: str) -> str:
        """What to say when enter has nowhere to go from *key*."""
        return f"{key} is gone" if key and key not in self.order else ""

    def scrolled(self, visible: Sequence[str]) -> None:
        """These lines are on screen, before the update."""
        del visible

    def look_at(self, visible: Sequence[str]) -> None:
        """These lines are on screen: tell the session whose numbers are wanted each second (here: nobody's)."""
        del visible
        self.session.look_at(())

    def touched(self) -> None:
        """The person pressed a key: what moves by itself holds still."""
        return

    def clear(self) -> bool:
        """Esc: undo what narrows the list; False when there is nothing to undo."""
        return False

    def left(self, cursor: str, top: int) -> Look:
        """How it is left."""
        return Look(cursor=cursor, top=top)
