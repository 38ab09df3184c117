"""What a resource's own agent says of it, asked when it is opened and every few seconds after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

from h2o_console.feed.agents import OutOfReach
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.description import child_lines
from h2o_console.rows.documents import json_lines, json_text
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.text import safe
from h2o_console.tui.screens.detail import DetailScreen

if TYPE_CHECKING:
    from concurrent.futures import Future

    from h2o_console.tui.session import Session

DESCRIBED: Final = frozenset({Kind.INSTANCE, Kind.HOST})
"""Kinds of which an agent has more to say than the store holds."""
_AGAIN_S: Final = 5.0


class DescribeScreen(DetailScreen):
    """Of an instance ``/children/<id>``, of a host its ``/health``."""

    hints: ClassVar[tuple[str, ...]] = ("copy", "act", "json", "back", "help", "freeze", "quit")

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look)
        self._asking: Future[Mapping[str, Any]] | None = None
        self._asked_s = float("-inf")
        self._document: Mapping[str, Any] | None = None
        self._why: OutOfReach | None = None
        self._host = place.key if place.of is Kind.HOST else session.host_of(place.key)

    @property
    def settled(self) -> bool:
        """Its agent has answered, or can't be asked."""
        return self._document is not None or self._why is not None

    @property
    def crumb(self) -> str:
        """Whose description it is."""
        return f"{self.place.crumb} described"

    def resource(self, key: str) -> Place | None:
        """What is described."""
        del key
        return None if self.place.of is None else Place(self.place.of, self.place.key)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """The newest answer; while there is none, nothing."""
        self._listen(now_s)
        if self._document is None:
            return ()
        if self.place.of is Kind.INSTANCE:
            return tuple(child_lines(self._document, width))
        return json_lines(self._document, width)

    def _listen(self, now_s: float) -> None:
        if self._asking is not None and self._asking.done():
            try:
                self._document, self._why = self._asking.result(), None
            except OutOfReach as error:
                self._why = error
            except CancelledError:
                self._why = OutOfReach("the console is ending")
            self._asking = None
        if self._asking is None and now_s - self._asked_s >= _AGAIN_S:
            self._asked_s = now_s
            self._asking = self.session.ask(self._host, self._path())

    def _path(self) -> str:
        if self.place.of is Kind.HOST:
            return "/health"
        # A child that has not registered is known by host and key.
        which = self.place.key.removeprefix(f"{self._host}/")
        return f"/children/{quote(which, safe='')}"

    def copied(self, key: str) -> str:
        """The answer as it came."""
        del key
        return "" if self._document is None else json_text(self._document)

    def empty(self) -> Sequence[Cell]:
        """It is being asked, or can't be."""
        host = safe(self._host, 40) or "its host"
        if self._why is None:
            return (Cell(f"Asking {host}'s agent…", Tone.DIM),)
        hint = safe(self._why.hint, 200) or "trying again every 5 s · esc: back"
        return Cell(f"{host}'s agent: {safe(self._why.why, 200)}.", Tone.WARN), Cell(hint, Tone.DIM)

    def position(self, visible: int) -> str:
        """How old the answer is, when it can't be had again."""
        if self._why is not None and self._document is not None:
            return f"not fresh: {safe(self._why.why, 60)}"
        return super().position(visible)
