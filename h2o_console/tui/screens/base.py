"""What every screen has: the header, the banner, the status line, the command line, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.headline import Place, banner, header_line
from h2o_console.text import clip, pad, safe, width as cells_of
from h2o_console.tui.orders import Unknown, understand
from h2o_console.tui.widgets.block import Block
from h2o_console.tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from textual.app import ComposeResult
    from textual.events import Resize
    from textual.widget import Widget

    from h2o_console.tui.session import Session

_NOTICE_S = 5.0
Hints = tuple[tuple[str, str], ...]


class ConsoleScreen(Screen[None]):
    """A screen of the console; `flush` is called four times a second while it is on top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # Priority: the app runs it before it looks at the next key, so that what is typed fast lands in the line.
        Binding("colon", "command", "command", show=False, priority=True),
        Binding("question_mark", "help", "help", show=False),
        Binding("escape,backspace,q", "back", "back", show=False),
        Binding("z", "freeze", "freeze", show=False),
    ]
    HINTS: ClassVar[Hints] = (("esc", "back"), ("?", "help"), (":q", "quit"))

    class Ordered(Message):
        """A command of the ``:`` line for the app: its action and what follows it."""

        def __init__(self, action: str, rest: str) -> None:
            super().__init__()
            self.action = action
            self.rest = rest

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._header = Block(id="header", frame=True)
        self._banner = Block(id="banner")
        self._status = Block(id="status", frame=True)
        self._prompt = Prompt()
        self._notice: tuple[Cell, float] | None = None

    # what a screen fills in

    @property
    def trail(self) -> tuple[str, ...]:
        """The breadcrumbs after the fleet's name."""
        return ()

    def body(self) -> Iterable[Widget]:
        """The widgets between banner and status line."""
        return ()

    def flush_body(self) -> None:
        """Show what changed."""

    def focus_body(self) -> None:
        """Give the keys back to the body."""

    def position(self) -> str:
        """What stands on the right of the status line."""
        return ""

    # the frame

    def compose(self) -> ComposeResult:
        """Top to bottom."""
        yield self._header
        yield self._banner
        yield from self.body()
        yield self._status
        yield self._prompt

    def flush(self) -> None:
        """Bring everything on this screen up to date."""
        if not self.size.width:
            return
        session, width = self.session, self.size.width
        place = Place(session.context, self.trail, session.utc(), session.frozen_s)
        self._header.show([header_line(place, session.fleet, session.board.rows.values(), width)])
        trouble = banner(session.fleet)
        shown = [] if trouble is None or self.size.height < 10 else [Line("", (self._fitted(trouble, width),))]
        self._banner.show(shown)
        self.flush_body()
        self._status.show([self._status_line(width)])

    @staticmethod
    def _fitted(cell: Cell, width: int) -> Cell:
        return Cell(pad(f" {cell.text}", width), cell.tone)

    def say(self, text: str, tone: Tone = Tone.NOTE) -> None:
        """Show a sentence in the status line for a while."""
        self._notice = (Cell(text, tone), self.session.clock() + _NOTICE_S)
        if self.is_mounted and self.size.width:
            self._status.show([self._status_line(self.size.width)])

    def _status_line(self, width: int) -> Line:
        right = self.position()
        room = width - cells_of(right) - 3
        if self._notice is not None and self.session.clock() > self._notice[1]:
            self._notice = None
        if self._notice is not None:
            left = [Cell(" " + clip(safe(self._notice[0].text), width - 2), self._notice[0].tone)]
            room, right = width - 1, ""
        else:
            left = self._hints(room)
        used = sum(cells_of(cell.text) for cell in left)
        return Line("", (*left, Cell(" " * max(room - used, 0)), Cell(f" {clip(right, width - 2)} ", Tone.DIM)))

    def _hints(self, room: int) -> list[Cell]:
        cells: list[Cell] = []
        for key, what in self.HINTS:
            room -= len(key) + len(what) + 3
            if room < 0:
                break
            cells += [Cell(f" {key}", Tone.KEY), Cell(f" {what} ", Tone.DIM)]
        return cells

    def on_resize(self, _event: Resize) -> None:
        """Another width: lay everything out again."""
        self.call_after_refresh(self.flush)

    # the command line

    def open_prompt(self, mark: str, text: str = "") -> None:
        """Let the person type."""
        self._status.display = False
        self._prompt.open(mark, text)

    def close_prompt(self) -> None:
        """Back to the body."""
        self._status.display = True
        self.focus_body()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002 - Textual's signature
        """While a line is being typed, ``:`` and ``/`` are letters."""
        return not (action in {"command", "filter"} and self._prompt.display)

    def action_command(self) -> None:
        """``:``."""
        self.open_prompt(":")

    def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """Run a command."""
        self.close_prompt()
        if event.mark == ":" and event.text.strip():
            understood = understand(event.text)
            if isinstance(understood, Unknown):
                self.say(understood.why, Tone.WARN)
            else:
                self.post_message(self.Ordered(understood[0].action, understood[1]))

    def on_prompt_cancelled(self, _event: Prompt.Cancelled) -> None:
        """Nothing was meant."""
        self.close_prompt()

    # keys

    def action_help(self) -> None:
        """``?``."""
        self.post_message(self.Ordered("help", ""))

    def action_back(self) -> None:
        """Esc, backspace, q."""
        self.post_message(self.Ordered("back", ""))

    def action_freeze(self) -> None:
        """``z``."""
        self.session.freeze()
        self.flush()
