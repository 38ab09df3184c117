"""The journal as the console knows it: the newest changes by its agent, older ones once somebody asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.board import Board
from h2o_console.rows.journal import EntryRow, by_others, entry_row, undone
from h2o_console.tui.register_reading import why_not

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from h2o_console.commands.journal import Journal
    from h2o_console.store.control import ControlSeen
    from h2o_console.tui.register_reading import RegisterReader
    from h2o_core.audit import Entry

AT_ONCE: Final = 100
MOST: Final = 2000
"""So many changes are kept; who wants more of them wants `h2o journal`."""


class Changes:
    """All entries that were read, by id; `board` has their rows.

    `why` and `hint`: the older ones can't be read. `ended`: there are no older ones.
    """

    def __init__(self, reader: Callable[[], RegisterReader | None], wall: Callable[[], float]) -> None:
        self._reader = reader
        self._wall = wall
        self._known: dict[str, Entry] = {}
        self._newest: tuple[Entry, ...] = ()
        self._undone: dict[str, str] = {}
        self._dirty: set[str] = set()
        self._asked: Future[Journal] | None = None
        self.why: str = ""
        self.hint: str = ""
        self.ended = False
        self.board: Board[EntryRow] = Board(self._take_dirty, self._row, elsewhere_s=0.0)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The newest first."""
        return tuple(sorted(self._known.values(), key=lambda one: -one.epoch))

    @property
    def reading(self) -> bool:
        """Older ones are being read."""
        return self._asked is not None

    def entry(self, change_id: str) -> Entry | None:
        """The change of that id, as far as it was read."""
        return self._known.get(change_id)

    def undone_by(self, change_id: str) -> str:
        """The id of the change that took it back; "" when none did."""
        return self._undone.get(change_id, "")

    def others(self, me: str) -> int:
        """How many somebody else has made in the last 15 minutes."""
        return by_others(self._newest, me, self._wall())

    def update(self, control: ControlSeen | None) -> None:
        """Take what has been read since."""
        if control is not None and control.entries is not self._newest:
            self._newest = control.entries
            self._learn(control.entries)
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            if (error := asked.exception()) is not None:
                self.why, self.hint = why_not(error)
            else:
                self.ended = not asked.result().more
                self._learn(asked.result().entries)

    def older(self) -> None:
        """Ask for what is older than the oldest that is known, unless that is being done, or there is no more."""
        reader = self._reader()
        if self._asked is not None or self.ended or len(self._known) >= MOST:
            return
        if reader is None:
            self.why = "older changes can't be read from here"
            return
        oldest_s = min((one.at_s for one in self._known.values()), default=self._wall())
        self.why = self.hint = ""
        self._asked = reader.older(oldest_s, AT_ONCE)

    def _learn(self, entries: tuple[Entry, ...]) -> None:
        self._dirty |= {one.change_id for one in entries if one.change_id not in self._known}
        self._known |= {one.change_id: one for one in entries}
        before, self._undone = self._undone, dict(undone(self._known.values()))
        self._dirty |= before.keys() ^ self._undone.keys()

    def _take_dirty(self, _now_s: float) -> set[str]:
        taken, self._dirty = self._dirty, set()
        return taken

    def _row(self, change_id: str, _now_s: float) -> EntryRow | None:
        entry = self._known.get(change_id)
        return None if entry is None else entry_row(entry, self.undone_by(change_id), self._wall())
