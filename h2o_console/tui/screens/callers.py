"""Who calls whom: a list of the fleet's calls, and one package's callers and callees as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.call_lines import tree_lines
from h2o_console.rows.callers import CALLS, CallRow
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.findings import findings
from h2o_console.rows.headline import nothing_known
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.text import safe
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.tui.session import Session


class CallersScreen(ListScreen[CallRow]):
    """Calls of the last minute, live; with a key of the place only those from or to that package."""

    of = "calls"

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, CALLS, session.calls)

    @property
    def crumbs(self) -> tuple[str, ...]:
        """A narrowed list stands behind the whole one."""
        return ("callers",) if self.place.key else ()

    def belongs(self, row: CallRow) -> bool:
        """From or to the package that the place names."""
        return self.place.key in {row.caller, row.package}

    def called(self, row: CallRow) -> str:
        """Who calls what."""
        return f"{row.name} calls {row.feature}"

    def opens(self, key: str) -> Place | None:
        """The tree of what is called."""
        row = self.board.rows.get(key)
        return None if row is None else Place(Kind.CALLS, row.package)

    def all_empty(self) -> Sequence[Cell]:
        """Whose fault it is."""
        return nothing_known(self.session.fleet) or (
            Cell("Nobody has called anything in the last minute.", Tone.PLAIN),
            Cell("make a call: h2o call FEATURE", Tone.DIM),
        )

    def about(self, cursor: str) -> Sequence[Line]:
        """All findings of the call under the cursor."""
        row = self.board.rows.get(cursor)
        return () if row is None else findings(self.called(row), row.glyph, row.reasons, self.size)

    def watch(self, visible: Sequence[str]) -> None:
        """The packages that call on screen."""
        rows = self.board.rows
        self.session.look_at(dict.fromkeys(rows[key].caller for key in visible if key in rows))


class CallsScreen(DetailScreen):
    """One package's callers, up to the top, and what it calls, down to the bottom."""

    hints: ClassVar[tuple[str, ...]] = ("open", "act", "back", "help", "freeze", "quit")
    every_s: ClassVar[float] = ONCE_A_SECOND

    @property
    def crumb(self) -> str:
        """Whose calls."""
        return f"calls of {safe(self.place.key, 60)}"

    @property
    def crumbs(self) -> tuple[str, ...]:
        """They are some of all calls."""
        return ("callers",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Both trees."""
        return tree_lines(self.place.key, self.session.store.calls(now_s), width)

    def empty(self) -> Sequence[Cell]:
        """Nobody calls, nothing is called."""
        return (
            Cell(f"{safe(self.place.key, 60)} has called nothing in the last minute, and nobody has called it."),
            Cell("esc: back", Tone.DIM),
        )

    def look_at(self, visible: Sequence[str]) -> None:
        """Its own hosts' numbers are wanted."""
        del visible
        self.session.look_at((self.place.key,))
