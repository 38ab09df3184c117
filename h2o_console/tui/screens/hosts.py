"""Every host, one line each: the server, its broker, its links, and what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2o_console.rows.findings import findings
from h2o_console.rows.headline import nothing_known
from h2o_console.rows.hosts import HOSTS, HostRow
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.rows.cells import Cell, Line
    from h2o_console.tui.session import Session


class HostsScreen(ListScreen[HostRow]):
    """Hosts, live."""

    of = "hosts"
    row_kind = Kind.HOST

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, HOSTS, session.hosts)

    def all_empty(self) -> Sequence[Cell]:
        """Whose fault it is, and what to type."""
        return nothing_known(self.session.fleet)

    def about(self, cursor: str) -> Sequence[Line]:
        """All findings of the host under the cursor."""
        row = self.board.rows.get(cursor)
        return () if row is None else findings(row.name, row.glyph, row.reasons, self.size)

    def watch(self, visible: Sequence[str]) -> None:
        """The hosts on screen."""
        self.session.look_at((), hosts=visible)
