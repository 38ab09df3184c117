"""ctrl+p: every command of the registry, found by its letters, run by enter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.ranking import matches_text
from h2o_console.text import pad
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.lines import LineList

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from h2o_console.tui.commands.command import Command

_KEYS: Final = 14
_NAME: Final = 22


class Palette(ModalScreen[str | None]):
    """Answers with the id of a command, None when none was picked."""

    DEFAULT_CSS = """
    Palette { align: center top; background: $background 60%; }
    Palette Vertical { width: 78; max-width: 100%; height: auto; max-height: 90%; margin-top: 1; }
    Palette Vertical { background: $panel; padding: 0 1; }
    Palette LineList { height: auto; max-height: 16; background: $background; }
    Palette Input, Palette Input:focus { background: $panel; border: none; height: 1; padding: 0; color: $foreground; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+p", "leave", "close", show=False),
        Binding("down", "move(1)", "down", show=False, priority=True),
        Binding("up", "move(-1)", "up", show=False, priority=True),
    ]

    def __init__(self, commands: Sequence[Command], keys: Mapping[str, str]) -> None:
        super().__init__()
        self._commands = {command.id: command for command in commands}
        self._keys = keys
        self._head = Block(id="palette-head", frame=True)
        self._input = Input(compact=True)
        self.list = LineList(self, id="commands")

    def compose(self) -> ComposeResult:
        """A head, the line to type in, what matches."""
        with Vertical():
            yield self._head
            yield self._input
            yield self.list

    def on_mount(self) -> None:
        """All of them first."""
        head = (Cell("command", Tone.NAME), Cell("   letters in their order; enter runs it, esc closes", Tone.DIM))
        self._head.show([Line("", head)])
        self._offer("")
        self._input.focus()

    def version(self, _key: str, /) -> int:
        """Nothing changes here."""
        return 0

    def line(self, key: str, width: int, /) -> Line:
        """Keys, name, and what it does."""
        command = self._commands[key]
        name = f":{command.names[0]} {command.takes}" if command.names else ""
        cells = (
            Cell(pad(f" {self._keys.get(key, '')}", _KEYS), Tone.KEY),
            Cell(pad(name, _NAME), Tone.NAME),
            Cell(pad(command.does, max(width - _KEYS - _NAME, 0)), Tone.PLAIN),
        )
        return Line(key, cells)

    def _offer(self, typed: str) -> None:
        every = list(self._commands.values())
        found = [one for one in every if typed in f"{' '.join(one.names)} {one.does}"]
        found = found or [one for one in every if matches_text(f"{' '.join(one.names)} {one.does}", typed)]
        # What is meant by name comes before what merely has the word somewhere in its sentence.
        found.sort(key=lambda one: not any(typed and name.startswith(typed) for name in one.names))
        self.list.show(tuple(one.id for one in found))
        self.list.styles.height = max(len(found), 1)
        if found:
            self.list.select(found[0].id)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Fewer, or more."""
        event.stop()
        self._offer(event.value.strip())

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The one under the cursor."""
        event.stop()
        self.dismiss(self.list.cursor if self.list.cursor in self.list.order else None)

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        """A second click."""
        self.dismiss(event.key or None)

    def action_move(self, by: int) -> None:
        """Through what matches."""
        self.list.move(by)

    def action_leave(self) -> None:
        """None of them."""
        self.dismiss(None)
