"""Commands of the console itself: typing, freezing, the way back, the theme, quitting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.themes import PALETTES

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk


def _back(desk: Desk, _: str) -> None:
    if desk.seen.clear():
        return
    if desk.journey.up():
        desk.show()
    else:
        desk.say("this is the first view; :q or ctrl+c quits")


def _history(desk: Desk, by: int) -> None:
    if desk.journey.back() if by < 0 else desk.journey.forward():
        desk.show()
    else:
        desk.say("nothing was on screen before this" if by < 0 else "nothing was left by [ or esc")


def _last(desk: Desk, _: str) -> None:
    if desk.journey.last():
        desk.show()
    else:
        desk.say("there is no other view yet")


def _help(desk: Desk, _: str) -> None:
    if desk.journey.place.kind is not Kind.HELP:
        desk.open(Place(Kind.HELP, desk.journey.place.kind.value))


def _freeze(desk: Desk, _: str) -> None:
    if desk.session.replaying is not None:
        desk.session.replaying.pause()
    else:
        desk.session.freeze()


def _theme(desk: Desk, name: str) -> None:
    if name in PALETTES:
        desk.wear(name)
    else:
        desk.say(f"themes: {', '.join(PALETTES)}", Tone.WARN)


FRAME: Final = (
    Command("help", "keys, commands, signs, columns", _help, Group.CONSOLE, ("?",), ("help", "h"), hint="help"),
    Command(
        "palette",
        "all commands, found by their letters",
        lambda desk, _: desk.palette(),
        Group.CONSOLE,
        ("ctrl+p",),
        ("palette",),
    ),
    Command("type_command", "a command; tab completes it", lambda desk, _: desk.ask(":"), Group.CONSOLE, (":",)),
    Command(
        "back",
        "go back; clears a filter first, then the marks",
        _back,
        Group.PLACES,
        ("escape", "backspace", "q"),
        ("back",),
        hint="back",
    ),
    Command(
        "history_back",
        "what was on screen before",
        lambda desk, _: _history(desk, -1),
        Group.PLACES,
        ("[",),
        ("previous",),
    ),
    Command("history_on", "what [ or esc left", lambda desk, _: _history(desk, 1), Group.PLACES, ("]",), ("next",)),
    Command("last_view", "the view before this one; again: here", _last, Group.PLACES, ("-",), ("last",)),
    Command("freeze", "freeze the picture; again to go on", _freeze, Group.CONSOLE, ("z",), ("freeze",), hint="freeze"),
    Command(
        "theme",
        "change the colours",
        _theme,
        Group.CONSOLE,
        names=("theme",),
        takes="NAME",
        offers=lambda _: PALETTES,
    ),
    Command("quit", "quit", lambda desk, _: desk.leave(), Group.CONSOLE, ("ctrl+c",), ("q", "quit"), hint="quit"),
)
