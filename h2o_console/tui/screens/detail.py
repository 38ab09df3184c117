"""A screen that shows one resource in full: lines made anew, painted where they changed."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from h2o_console.rows.cells import Line
from h2o_console.rows.places import CHANGEABLE
from h2o_console.tui.screens.screen import ConsoleScreen

if TYPE_CHECKING:
    from h2o_console.rows.places import Look, Place
    from h2o_console.tui.session import Session


ONCE_A_SECOND: Final = 0.9
"""Counters come no more often, and all lines of a resource take some milliseconds."""


class DetailScreen(ConsoleScreen):
    """Lines of one resource, by its true name. `every_s`: how often they are made anew when there is no `news`."""

    every_s: ClassVar[float] = 0.0

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look)
        self._lines: dict[str, Line] = {}
        self._versions: dict[str, int] = {}
        self._made_s = float("-inf")
        self._made_for: tuple[int, int] = (0, 0)

    def news(self, now_s: float) -> int:
        """Asked at each look; another number than before: the lines are to be made anew at once."""
        del now_s
        return 0

    @abstractmethod
    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """All its lines; none when it is gone. Keys are unique."""

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """Make the lines anew; a line that came out equal keeps its version."""
        del cursor
        made_for = (size[0], self.news(now_s))
        if now_s - self._made_s < self.every_s and made_for == self._made_for:
            return
        self._made_s, self._made_for = now_s, made_for
        fresh = {line.key: line for line in self.lines(now_s, size[0])}
        for key, line in fresh.items():
            if self._lines.get(key) != line:
                self._versions[key] = self._versions.get(key, 0) + 1
        self._lines = fresh
        self.order = tuple(fresh)

    def resource(self, key: str) -> Place | None:
        """What the line leads to, else the resource that the screen shows."""
        return self.opens(key) or self.place

    def concerns(self, key: str) -> Sequence[Place]:
        """What the line leads to, when a change can be about that; else what the screen shows."""
        leads = self.resource(key)
        return (leads if leads is not None and leads.kind in CHANGEABLE else self.place,)

    def version(self, key: str, /) -> int:
        """Of the key's line."""
        return self._versions.get(key, 0)

    def line(self, key: str, _width: int, /) -> Line:
        """The key's line, made for the width of the last update."""
        return self._lines.get(key) or Line(key, (), selectable=False)
