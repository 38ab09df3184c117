"""Every instance, or those of one package or host: what each does, and why one does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.findings import findings
from h2o_console.rows.headline import nothing_known
from h2o_console.rows.instances import INSTANCES, InstanceRow
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.text import safe
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.tui.session import Session


class InstancesScreen(ListScreen[InstanceRow]):
    """Instances, live; with a key of the place only those of that package or host."""

    of = "instances"
    row_kind = Kind.INSTANCE

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, INSTANCES, session.instances)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """A narrowed list stands behind the whole one."""
        return ("instances",) if self.place.key else ()

    def belongs(self, row: InstanceRow) -> bool:
        """Of the package, or on the host, that the place names."""
        return self.place.key in {row.package, row.host}

    def all_empty(self) -> Sequence[Cell]:
        """Whose fault it is, and what to type."""
        known = nothing_known(self.session.fleet)
        if known or not self.place.key:
            return known or (Cell("No instance runs.", Tone.PLAIN), Cell("start the demo: script/demo", Tone.DIM))
        return Cell(f"No instance of {safe(self.place.key, 60)} runs."), Cell("esc: back", Tone.DIM)

    def about(self, cursor: str) -> Sequence[Line]:
        """All findings of the instance under the cursor, by its whole name."""
        row = self.board.rows.get(cursor)
        if row is None:
            return ()
        name = f"{safe(row.package, 60)} {row.version} on {safe(row.host, 40)}, {safe(row.key, 60)}"
        return findings(name, row.glyph, row.reasons, self.size)

    def watch(self, visible: Sequence[str]) -> None:
        """The hosts of the instances on screen."""
        rows = self.board.rows
        self.session.look_at((), hosts={rows[key].host for key in visible if key in rows})
