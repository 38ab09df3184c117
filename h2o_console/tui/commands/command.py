"""What a command is: its names, its keys, what it does and where, in one value that everything reads.

The ``:`` line, its completion, the palette, the help, the hints in the status line and the key bindings are all made
from these; a key map in the configuration names them by `id`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from textual.binding import Binding

if TYPE_CHECKING:
    from h2o_console.acting.request import Request
    from h2o_console.rows.cells import Tone
    from h2o_console.rows.places import Place
    from h2o_console.tui.commands.lines import Lines
    from h2o_console.tui.journey import Journey
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session
    from h2o_core.insights.finding import Key
    from h2o_core.insights.notes import Says


class Desk(Protocol):
    """What a command may ask of the console that it runs in."""

    session: Session
    journey: Journey

    @property
    def seen(self) -> ConsoleScreen:
        """The screen that is seen."""
        ...

    @property
    def list(self) -> Lines:
        """Its list, with the cursor."""
        ...

    def say(self, text: str, tone: Tone = ...) -> None:
        """A sentence in the status line."""
        ...

    def show(self) -> None:
        """The journey went on: show the place where it is now."""
        ...

    def open(self, place: Place) -> None:
        """Go down to a place."""
        ...

    def enter(self, key: str) -> None:
        """Open what the line called *key* stands for."""
        ...

    def ask(self, mark: str, text: str = "") -> None:
        """Open the line at the bottom."""
        ...

    def pick(self, title: str, choices: Mapping[str, str], current: str, then: Callable[[str], None]) -> None:
        """Let the person pick one."""
        ...

    def copy(self, text: str) -> None:
        """To the clipboard, and say where it went."""
        ...

    def later(self, work: Callable[[], tuple[str, Tone]]) -> None:
        """Do *work* where no key waits for it, and say what it returns."""
        ...

    def palette(self) -> None:
        """Let the person pick a command."""
        ...

    def wear(self, theme: str) -> None:
        """Change the theme."""
        ...

    def act(self, *requests: Request) -> None:
        """Show the plan of each, one after the other, and carry out what is agreed to."""
        ...

    def menu(self) -> None:
        """What can be done with what is marked, or under the cursor."""
        ...

    def undo(self) -> None:
        """Take back the change under the cursor, or one's own last one."""
        ...

    def note(self, key: Key, says: Says, until_s: float, reason: str) -> None:
        """Say so of a finding (until that Unix time; 0 takes it back), once this console may change something."""
        ...

    def when_armed(self, what: str, then: Callable[[], None]) -> None:
        """Do *then* once this console may change something; asks for *what* where it may not yet."""
        ...

    def leave(self) -> None:
        """Quit."""
        ...


class Group(Enum):
    """The headings of the help."""

    MOVE = "MOVE"
    LIST = "THE LIST"
    MARKS = "MARKS"
    CHANGES = "CHANGES"
    LOGS = "LOGS"
    RESOURCE = "WHAT THE CURSOR IS ON"
    PLACES = "PLACES"
    REPLAY = "A RECORDING"
    CONSOLE = "THE CONSOLE"


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    `names` are typed after ``:`` (the first is shown), `takes` says what follows, `offers` completes it. `keys` are
    Textual's names or single characters. `on`: the screens on which it means something (None: on all). `hint`: the
    word in the status line.
    """

    id: str
    does: str
    run: Callable[[Desk, str], None]
    group: Group
    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    takes: str = ""
    offers: Callable[[Desk], Iterable[str]] | None = None
    on: type[ConsoleScreen] | None = None
    hint: str = ""

    def means_something(self, screen: ConsoleScreen) -> bool:
        """Is it for *screen*?"""
        return self.on is None or isinstance(screen, self.on)


_SHOWN = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "down": "↓",
    "up": "↑",
}


def key_shown(key: str) -> str:
    """``left_square_bracket`` as people say it: ``[``."""
    return _SHOWN.get(key, key)


def bindings(commands: Iterable[Command], keys: Mapping[str, tuple[str, ...]], *, priority: bool) -> list[Binding]:
    """Textual's bindings for *commands*, with *keys* for each by its id."""
    return [
        Binding(",".join(keys[one.id]), f"command('{one.id}')", one.does, show=False, priority=priority)
        for one in commands
        if keys.get(one.id)
    ]
