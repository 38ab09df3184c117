"""A screen that is a table: a row for each resource, sorted, filtered, ranked without moving under the cursor.

A list of its own is this class with a table, a board of rows and the kind of place that a row opens.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, cast

from h2o_console.rows.cells import Cell, Line
from h2o_console.rows.headline import nothing_matches
from h2o_console.rows.marks import marked_line
from h2o_console.rows.places import Kind, Look, Mark, Place, Wanted
from h2o_console.rows.ranking import Ranking
from h2o_console.rows.tables import Layout, R, Table, head_lines, layout, row_line
from h2o_console.text import pad
from h2o_console.tui.screens.screen import ConsoleScreen
from h2o_core.figures import many

if TYPE_CHECKING:
    from h2o_console.rows.board import Board
    from h2o_console.tui.session import Session

_MEASURE_S = 5.0
_MEASURE_NEW_S = 1.0


def list_of(screen: ConsoleScreen) -> ListScreen[Any] | None:
    """*screen*, when it is a list."""
    return cast("ListScreen[Any]", screen) if isinstance(screen, ListScreen) else None


class ListScreen(ConsoleScreen, Generic[R]):
    """Rows of `board` in the columns of `table`."""

    hints: ClassVar[tuple[str, ...]] = (
        "open",
        "act",
        "type_filter",
        "help",
        "sort",
        "problems",
        "mark",
        "describe",
        "freeze",
        "quit",
    )
    of: ClassVar[str] = "lines"
    """What the rows are, many of them."""
    row_kind: ClassVar[Kind | None] = None
    """What enter opens on a row."""

    def __init__(self, session: Session, place: Place, look: Look, table: Table[R], board: Board[R]) -> None:
        super().__init__(session, place, look)
        self.table = table
        self.board = board
        self.size = (0, 0)
        self._ranking = Ranking(table, look.wanted)
        self._layout: Layout[R] = ()
        self._longest: Sequence[int] = ()
        self._measured: tuple[float, int] = (float("-inf"), 0)
        self._mine: Mapping[str, R] = {}
        self._generation = -1
        self.visible: Sequence[str] = ()
        self.marks: dict[str, Mark] = {mark.key: mark for mark in look.marks}

    @abstractmethod
    def all_empty(self) -> Sequence[Cell]:
        """What stands there when there is no row at all."""

    def belongs(self, row: R) -> bool:
        """Is the row of this place? A list that is narrowed to one resource leaves some out."""
        del row
        return True

    def chosen(self, rows: Mapping[str, R]) -> Mapping[str, R]:
        """Those of all *rows* that belong here."""
        return rows if not self.place.key else {key: row for key, row in rows.items() if self.belongs(row)}

    def choose_anew(self) -> None:
        """Which rows belong here is another question now: they come and go at once."""
        self._mine = self.chosen(self.board.rows)
        self.want(self.wanted)

    def shown(self, row: R) -> R:
        """As it is painted here."""
        return row

    def called(self, row: R) -> str:
        """What a marked row is called where it is not seen."""
        return row.name

    def rows(self) -> Mapping[str, R]:
        """The rows that belong here."""
        return self._mine

    @property
    def crumb(self) -> str:
        """With what was asked of the list."""
        wanted = self.wanted
        asked = f" /{wanted.filter}" if wanted.filter else ""
        return f"{super().crumb}{asked}{' (problems)' if wanted.problems else ''}"

    # what is asked of it

    @property
    def wanted(self) -> Wanted:
        """What the person asked to see."""
        return self._ranking.wanted

    @property
    def columns(self) -> Layout[R]:
        """Those that are shown, from the left."""
        return self._layout

    @property
    def sorts(self) -> Iterable[str]:
        """What it can be sorted by."""
        return self.table.sorts

    @property
    def sort(self) -> str:
        """What it is sorted by."""
        return self._ranking.sort

    def want(self, wanted: Wanted) -> None:
        """Show it so."""
        self._ranking.want(wanted, self.rows(), self.session.clock())
        self.order = self._ranking.order

    def touched(self) -> None:
        """Rows stand still for a while."""
        self._ranking.touched(self.session.clock())

    def clear(self) -> bool:
        """The filter and only problems; when nothing is left out, the marks."""
        wanted = self.wanted
        if wanted.filter or wanted.problems:
            self.want(replace(wanted, filter="", problems=False))
            return True
        if self.marks:
            self.marks.clear()
            return True
        return False

    def left(self, cursor: str, top: int) -> Look:
        """With what was asked, and the marks."""
        return Look(self.wanted, cursor, top, tuple(self.marks.values()))

    # marks

    def marked(self, key: str) -> bool:
        """By key, wherever its row is."""
        return key in self.marks

    def mark(self, *keys: str) -> int:
        """Mark the rows that are there; how many that are."""
        rows = self.board.rows
        opened = {key: place for key in keys if (place := self.opens(key)) is not None}
        self.marks.update((key, Mark(key, self.called(rows[key]), place)) for key, place in opened.items())
        return len(opened)

    def unmark(self, *keys: str) -> None:
        """Take these marks away; what is gone can be unmarked too."""
        for key in keys:
            self.marks.pop(key, None)

    # what it shows

    def renew(self, now_s: float) -> bool:
        """Bring its rows up to now; True when one of them changed."""
        return self.board.update(now_s, self.visible)

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """Rank if it is time, and lay out when width or names changed."""
        self.renew(now_s)
        changed = self.board.generation != self._generation
        if changed:
            self._generation = self.board.generation
            self._mine = self.chosen(self.board.rows)
        self._ranking.update(self._mine, cursor, now_s, changed=changed)
        self.order = self._ranking.order
        self.size = size

    def lay_out(self, now_s: float, size: tuple[int, int]) -> None:
        """Columns for the width; every line looks different when they changed."""
        self.size = size
        rows = self.rows()
        measured_s, count = self._measured
        if now_s - measured_s >= (_MEASURE_S if len(rows) == count else _MEASURE_NEW_S) or bool(rows) > bool(count):
            self._longest, self._measured = self.table.longest(rows.values()), (now_s, len(rows))
        laid_out = layout(self.table, size[0], self._longest, wide=self.wanted.wide)
        if laid_out != self._layout:
            self._layout = laid_out
            self.shape += 1

    def version(self, key: str, /) -> int:
        """Of the key's row and its mark: by this alone it is told whether the line has to be made anew."""
        return 2 * self.board.versions.get(key, 0) + (key in self.marks)

    def line(self, key: str, width: int, /) -> Line:
        """The key's row as cells."""
        row = self.board.rows.get(key)
        if row is None:
            return Line(key, (Cell(pad("", width)),))
        return row_line(self.shown(row), self._layout, ascii_only=self.session.ascii_only, marked=key in self.marks)

    def heads(self) -> Sequence[Line]:
        """The names of the columns, and over which time they were measured."""
        return head_lines(self._layout, self.sort, reverse=self.wanted.reverse)

    def foot(self, cursor: str) -> Sequence[Line]:
        """What is marked, and what there is to say of the row under the cursor."""
        about = self.about(cursor)
        if not self.marks:
            return about
        wanted = self.wanted
        left_out = "the filter" if wanted.filter else "only problems"
        hint = ":unmark clears" if wanted.filter or wanted.problems else "esc unmarks"
        marks, (width, _) = tuple(self.marks.values()), self.size
        shown, there = set(self.order), self.board.rows.keys()
        return marked_line(marks, shown, there, left_out=left_out, hint=f"l c y take all, {hint}", width=width), *about

    @abstractmethod
    def about(self, cursor: str) -> Sequence[Line]:
        """What there is to say of the row under the cursor."""

    def empty(self) -> Sequence[Cell]:
        """Why there is no row."""
        if self.rows():
            return nothing_matches(self.of, filtered=bool(self.wanted.filter))
        return self.all_empty()

    def opens(self, key: str) -> Place | None:
        """The row's resource, while it is there."""
        return Place(self.row_kind, key) if self.row_kind is not None and key in self.board.rows else None

    def gone(self, key: str) -> str:
        """Only what has no row any more is gone."""
        return f"{key} is gone" if key and key not in self.board.rows else ""

    def look_at(self, visible: Sequence[str]) -> None:
        """These rows are on screen: made anew each second, the others more rarely."""
        self.visible = visible
        self.watch(visible)

    def watch(self, visible: Sequence[str]) -> None:
        """Tell the session whose numbers are wanted each second."""
        self.session.look_at(())
        del visible

    def position(self, visible: int) -> str:
        """How much of the list is on screen, and in which order."""
        total, shown = len(self.rows()), len(self.order)
        width, _ = self.size
        if width < 50:
            return ""
        of = f"{shown} of " if shown != total else ""
        hidden = shown - visible
        more = f", {hidden} more by scrolling" if hidden > 0 and width >= 100 else ""
        what = many(total, self.of.removesuffix("s"))
        return f"{of}{what}{more}, by {self.sort}{' reversed' if self.wanted.reverse else ''}"
