"""A small list to pick one thing from, over the screen that asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.text import pad, width as cells_of
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from textual.app import ComposeResult

_LEAST: Final = 34


class Picker(ModalScreen[str | None]):
    """Answers with the picked key, None when nothing was picked."""

    DEFAULT_CSS = """
    Picker { align: center middle; background: $background 60%; }
    Picker Vertical { max-width: 100%; height: auto; max-height: 90%; background: $panel; padding: 0 1; }
    Picker LineList { height: auto; background: $background; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,s,backspace", "leave", "close", show=False)]

    def __init__(self, title: str, choices: tuple[tuple[str, str], ...], current: str) -> None:
        super().__init__()
        self._title = title
        self._choices = dict(choices)
        self._current = current
        self._head = Block(id="picker-head", frame=True)
        self.list = LineList(self, id="choices")

    def compose(self) -> ComposeResult:
        """A head and the choices."""
        with Vertical():
            yield self._head
            yield self.list

    def on_mount(self) -> None:
        """Put the cursor on what holds now."""
        self._head.show([Line("", (Cell(self._title, Tone.NAME),))])
        longest = max(map(cells_of, (self._title, *self._choices.values())), default=0)
        self.query_one(Vertical).styles.width = max(longest + 6, _LEAST)
        self.list.styles.height = len(self._choices)
        self.list.show(tuple(self._choices))
        self.list.select(self._current)
        self.list.focus()

    def version(self, _key: str) -> int:
        """Nothing changes here."""
        return 0

    def line(self, key: str, width: int) -> Line:
        """One choice."""
        mark = "*" if key == self._current else " "
        return Line(key, (Cell(pad(f" {mark} {self._choices[key]}", width)),))

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """Picked."""
        self.dismiss(event.key or None)

    def action_leave(self) -> None:
        """Not picked."""
        self.dismiss(None)
