"""The journal: control changes, the newest first; older ones are read when the cursor comes to the last line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.entry_detail import entry_lines, undo_command
from h2o_console.rows.headline import nothing_known
from h2o_console.rows.journal import JOURNAL, EntryRow
from h2o_console.rows.journal_pane import about
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.text import safe
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.tui.session import Session
    from h2o_core.audit import Entry


class JournalScreen(ListScreen[EntryRow]):
    """Changes, live."""

    of = "changes"
    row_kind = Kind.ENTRY
    hints: ClassVar[tuple[str, ...]] = ("open", "undo", "type_filter", "help", "sort", "mark", "freeze", "quit")

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, JOURNAL, session.changes.board)
        self._typed = False

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """As a list; at its end, what is older is asked for."""
        super().update(now_s, size, cursor)
        if self._typed and self.order and cursor == self.order[-1]:
            self.session.changes.older()
        self._typed = False

    def touched(self) -> None:
        """Whoever does something on the last line wants more."""
        self._typed = True
        super().touched()

    def called(self, row: EntryRow) -> str:
        """By its id, and who made it."""
        return f"{row.name} by {row.actor}"

    def entry(self, key: str) -> Entry | None:
        """The control change that the key's line stands for."""
        return self.session.changes.entry(key)

    def copied(self, key: str) -> str:
        """What takes it back."""
        entry = self.entry(key)
        return "" if entry is None else undo_command(entry)

    def about(self, cursor: str) -> Sequence[Line]:
        """Who and why in full, and what takes it back."""
        entry = self.entry(cursor)
        undone_by = self.session.changes.undone_by(cursor)
        return about(entry, undone_by, self.session.wall(), self.size) if self.order else ()

    def all_empty(self) -> Sequence[Cell]:
        """Nothing was ever changed, or nobody can say."""
        if unknown := nothing_known(self.session.fleet):
            return unknown
        if self.session.control is None:
            return (
                Cell("The agent that is asked does not tell what is decided.", Tone.WARN),
                Cell("is it older than this console? h2o version · from ZooKeeper: h2o journal", Tone.DIM),
            )
        return (
            Cell("Nothing has been changed yet.", Tone.PLAIN),
            Cell("every change is written down here: a on a host or a package shows what can be done", Tone.DIM),
        )

    def position(self, visible: int) -> str:
        """With what there is to say of older ones."""
        changes = self.session.changes
        if changes.why:
            return f"older ones: {safe(changes.why, 60)}"
        if changes.reading:
            return "reading older changes…"
        return f"{super().position(visible)}{', all there are' if changes.ended else ', G for older ones'}"


class EntryScreen(DetailScreen):
    """One change in full."""

    every_s: ClassVar[float] = ONCE_A_SECOND
    hints: ClassVar[tuple[str, ...]] = ("open", "undo", "copy", "back", "help", "freeze", "quit")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the changes."""
        return ("journal",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        del now_s
        changes = self.session.changes
        entry = changes.entry(self.place.key)
        return (
            () if entry is None else entry_lines(entry, changes.undone_by(self.place.key), self.session.wall(), width)
        )

    def entry(self, key: str) -> Entry | None:
        """Wherever the cursor is."""
        del key
        return self.session.changes.entry(self.place.key)

    def copied(self, key: str) -> str:
        """What takes it back."""
        entry = self.entry(key)
        return "" if entry is None else undo_command(entry)

    def empty(self) -> Sequence[Cell]:
        """It is older than what was read."""
        return (
            Cell(f"The change {safe(self.place.crumb, 20)} is not among those that were read.", Tone.WARN),
            Cell(f"h2o journal {safe(self.place.crumb, 20)} shows it · esc: back", Tone.DIM),
        )
