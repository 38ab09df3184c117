"""One host in full: the server, its broker, its instances and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.host_detail import host_lines
from h2o_console.rows.past_graphs import OF_HOSTS
from h2o_console.tui.screens.past import PastScreen

if TYPE_CHECKING:
    from h2o_console.rows.places import Look, Place
    from h2o_console.tui.session import Session


class HostScreen(PastScreen):
    """A host, live; its history is asked for when it is opened."""

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, OF_HOSTS)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the hosts."""
        return ("hosts",)

    def news(self, now_s: float) -> int:
        """Raised by each answer about the past."""
        return self.past.update((self.place.key,), now_s)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        detail = self.session.store.host(self.place.key, now_s)
        if detail is None:
            return ()
        graphs = self.past.lines((), width, self.changes(hosts=(self.place.key,)))
        return host_lines(detail, self.session.told, width, graphs)

    def empty(self) -> Sequence[Cell]:
        """It left."""
        return (
            Cell("No host of this name is in the fleet any more.", Tone.WARN),
            Cell("esc: back", Tone.DIM),
        )

    def look_at(self, visible: Sequence[str]) -> None:
        """Its numbers are wanted."""
        del visible
        self.session.look_at((), hosts=(self.place.key,))
