"""The first view: every package, one line each, the worst on top, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from h2o_console.rows.findings import findings
from h2o_console.rows.headline import no_packages
from h2o_console.rows.packages import PACKAGES, PackageRow
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.rows.cells import Cell, Glyph, Line
    from h2o_console.tui.session import Session


class PackagesScreen(ListScreen[PackageRow]):
    """Packages, live."""

    of = "packages"
    row_kind = Kind.PACKAGE

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, PACKAGES, session.packages)

    @property
    def glyphs(self) -> Mapping[Glyph, int]:
        """As its rows have it."""
        return Counter(row.glyph for row in self.board.rows.values())

    def all_empty(self) -> Sequence[Cell]:
        """Whose fault it is, and what to type."""
        return no_packages(self.session.fleet)

    def about(self, cursor: str) -> Sequence[Line]:
        """All findings of the package under the cursor."""
        row = self.board.rows.get(cursor)
        return () if row is None else findings(row.name, row.glyph, row.reasons, self.size)

    def watch(self, visible: Sequence[str]) -> None:
        """The packages on screen."""
        self.session.look_at(visible)
