"""The first view: every package, one line each, the worst on top, and why."""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.columns import Field, Layout, layout
from h2o_console.rows.headline import nothing_to_show
from h2o_console.rows.ranking import Ranking, Sort, Wanted
from h2o_console.rows.table import head_line, row_line
from h2o_console.text import pad, width as cells_of
from h2o_console.tui.screens.base import ConsoleScreen, Hints
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.events import Key
    from textual.widget import Widget

    from h2o_console.tui.session import Session
    from h2o_console.tui.widgets.prompt import Prompt

_SORTED_FIELD = {
    Sort.NAME: Field.NAME,
    Sort.RPS: Field.RPS,
    Sort.P95: Field.P95,
    Sort.ERR: Field.ERR,
    Sort.INSTANCES: Field.INSTANCES,
}
_FINDINGS = 4
_ROOM_FOR_FINDINGS = 16


class PackagesScreen(ConsoleScreen):
    """Packages, live."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", show=False, priority=True),
        Binding("s", "sort", "sort", show=False),
        Binding("p", "problems", "only problems", show=False),
    ]
    HINTS: ClassVar[Hints] = (
        ("enter", "open"),
        ("/", "filter"),
        ("?", "help"),
        ("s", "sort"),
        ("p", "problems"),
        ("z", "freeze"),
        (":q", "quit"),
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._ranking = Ranking()
        self._layout: Layout = ()
        self._heads = Block(id="heads")
        self.list = LineList(self, id="packages")
        self._findings = Block(id="findings", frame=True)

    @property
    def trail(self) -> tuple[str, ...]:
        """With what was asked of the list."""
        wanted = self._ranking.wanted
        asked = f" /{wanted.filter}" if wanted.filter else ""
        return (f"packages{asked}{' (problems)' if wanted.problems else ''}",)

    def body(self) -> Iterable[Widget]:
        """Heads, the list, and all findings of the row under the cursor."""
        return self._heads, self.list, self._findings

    def focus_body(self) -> None:
        """The list takes the keys."""
        self.list.focus()

    def on_mount(self) -> None:
        """Start with the list."""
        self.list.focus()

    # the list's source

    def version(self, key: str) -> int:
        """Of the key's row."""
        return self.session.board.versions.get(key, 0)

    def line(self, key: str, width: int) -> Line:
        """The key's row as cells."""
        row = self.session.board.rows.get(key)
        if row is None:
            return Line(key, (Cell(pad("", width)),))
        return row_line(row, self._layout, ascii_only=self.session.ascii_only)

    def flush_body(self) -> None:
        """Rank if it is time, and paint what changed."""
        board, now_s = self.session.board, self.session.clock()
        if self.session.frozen_at_s is None:
            self._ranking.update(board.rows, self.list.cursor, now_s)
        self._lay_out()
        wanted = self._ranking.wanted
        empty = nothing_to_show(self.session.fleet, packages=len(board.rows), filtered=bool(wanted.filter))
        self.list.show(self._ranking.order, empty)
        self._show_findings()
        self.session.look_at(self.list.visible_keys)

    def _lay_out(self) -> None:
        rows = self.session.board.rows
        longest_name = max((cells_of(row.name) for row in rows.values()), default=12)
        longest_version = max((cells_of(row.versions) for row in rows.values()), default=8)
        laid_out = layout(self.size.width, longest_name, longest_version)
        if laid_out != self._layout:
            self._layout = laid_out
            self.list.forget()
        wanted = self._ranking.wanted
        field = _SORTED_FIELD.get(wanted.sort)
        descending = (wanted.sort is not Sort.NAME) != wanted.reverse
        self._heads.show([head_line(laid_out, field, descending=descending)])

    def _show_findings(self) -> None:
        row = self.session.board.rows.get(self.list.cursor)
        if row is None or self.size.height < _ROOM_FOR_FINDINGS:
            self._findings.show([])
            return
        width = self.size.width
        lines = [Line("", (Cell(f" {row.name} ", Tone.NAME), Cell(f" {row.glyph.word}", row.glyph.tone)))]
        for reason in row.reasons:
            for at, part in enumerate(wrap(reason.text, max(width - 5, 10))):
                mark = Cell(f"  {reason.glyph.sign if at == 0 else ' '} ", reason.glyph.tone)
                lines.append(Line("", (mark, Cell(pad(part, max(width - 4, 0))))))
        lines += [Line("", ())] * (_FINDINGS + 1 - len(lines))
        self._findings.show(lines[: _FINDINGS + 1])

    def position(self) -> str:
        """How much of the list is on screen, and in which order."""
        total, shown = len(self.session.board.rows), len(self._ranking.order)
        wanted = self._ranking.wanted
        of = f"{shown} of {total}" if shown != total else f"{total}"
        if self.size.width < 50:
            return ""
        hidden = shown - len(self.list.visible_keys)
        more = f", {hidden} more by scrolling" if hidden > 0 and self.size.width >= 100 else ""
        return f"{of} packages{more}, by {wanted.sort.value}{' reversed' if wanted.reverse else ''}"

    # keys

    def on_key(self, _event: Key) -> None:
        """Hold the rows still for a while."""
        self._ranking.touched(self.session.clock())

    def want(self, wanted: Wanted) -> None:
        """Another order or choice, at once."""
        self._ranking.want(wanted, self.session.board.rows, self.session.clock())
        order = self._ranking.order
        if order and self.list.cursor not in order:
            self.list.select(order[0])
        self.flush()

    def action_filter(self) -> None:
        """``/``."""
        self.open_prompt("/", self._ranking.wanted.filter)

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        """Filter while it is being typed."""
        if event.mark == "/":
            self.want(replace(self._ranking.wanted, filter=event.text.strip()))

    def on_prompt_cancelled(self, event: Prompt.Cancelled) -> None:
        """Esc in the filter line clears the filter."""
        if event.mark == "/":
            self.want(replace(self._ranking.wanted, filter=""))
        self.close_prompt()

    def action_sort(self) -> None:
        """``s``."""
        self.post_message(self.Ordered("pick_sort", self._ranking.wanted.sort.value))

    def sort(self, sort: Sort) -> None:
        """Sort by *sort*; by the same again: the other way round."""
        wanted = self._ranking.wanted
        self.want(replace(wanted, sort=sort, reverse=wanted.sort is sort and not wanted.reverse))

    def action_problems(self) -> None:
        """``p``."""
        wanted = self._ranking.wanted
        self.want(replace(wanted, problems=not wanted.problems))

    def filter(self, text: str) -> None:
        """Show what matches."""
        self.want(replace(self._ranking.wanted, filter=text))

    def action_back(self) -> None:
        """Clear the filter; there is nowhere to go back to from here."""
        wanted = self._ranking.wanted
        if wanted.filter or wanted.problems:
            self.want(replace(wanted, filter="", problems=False))
        else:
            self.say("this is the first view; :q or ctrl+c quits")

    def on_line_list_moved(self, _event: LineList.Moved) -> None:
        """Show the findings of the row under the cursor."""
        self._ranking.touched(self.session.clock())
        self.flush()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Open the package under the cursor."""
        if event.key in self.session.board.rows:
            self.post_message(self.Ordered("open", event.key))
        elif event.key:
            self.say(f"{event.key} is gone", Tone.WARN)
