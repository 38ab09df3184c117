"""Moving the cursor: the keys of every list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.tui.commands.command import Command, Group

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk
    from h2o_console.tui.commands.lines import Lines

MOVES: Final[Mapping[str, Callable[[Lines], None]]] = {
    "down": lambda lines: lines.move(1),
    "up": lambda lines: lines.move(-1),
    "page_down": lambda lines: lines.page(1),
    "page_up": lambda lines: lines.page(-1),
    "first": lambda lines: lines.edge(-1),
    "end": lambda lines: lines.edge(1),
}
"""What each does to a list, by the command's id."""


def _moving(name: str) -> Callable[[Desk, str], None]:
    return lambda desk, _: MOVES[name](desk.list)


MOVING: Final = (
    Command(
        "down",
        "down; the cursor stays on its resource when rows are sorted anew",
        _moving("down"),
        Group.MOVE,
        ("j", "down"),
    ),
    Command("up", "up", _moving("up"), Group.MOVE, ("k", "up")),
    Command("page_down", "a screen down", _moving("page_down"), Group.MOVE, ("pagedown", "ctrl+f")),
    Command("page_up", "a screen up", _moving("page_up"), Group.MOVE, ("pageup",)),
    Command("first", "to the first line", _moving("first"), Group.MOVE, ("g", "home")),
    Command("end", "to the last line", _moving("end"), Group.MOVE, ("G", "end")),
    Command(
        "open",
        "open what the cursor is on",
        lambda desk, _: desk.enter(desk.list.cursor),
        Group.MOVE,
        ("enter",),
        ("open",),
        hint="open",
    ),
)

MOVING_KEYS: Final[Mapping[str, tuple[str, ...]]] = {command.id: command.keys for command in MOVING}
