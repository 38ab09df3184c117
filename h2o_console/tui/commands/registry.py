"""All commands, and how a person reaches them: by name after ``:``, by completion, by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from h2o_console.tui.commands.acting import ACTING
from h2o_console.tui.commands.command import Group
from h2o_console.tui.commands.contexts import CONTEXTS
from h2o_console.tui.commands.frame import FRAME
from h2o_console.tui.commands.lists import LISTS
from h2o_console.tui.commands.logs import LOGS
from h2o_console.tui.commands.marks import MARKS
from h2o_console.tui.commands.moving import MOVING
from h2o_console.tui.commands.past import PAST
from h2o_console.tui.commands.places import PLACES
from h2o_console.tui.commands.replay import REPLAY
from h2o_console.tui.commands.resources import RESOURCES
from h2o_console.tui.commands.triage import TRIAGE

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Command, Desk
    from h2o_console.tui.screens.screen import ConsoleScreen

_HERE: Final = (*MOVING, *LISTS, *MARKS, *TRIAGE, *RESOURCES, *ACTING, *PAST, *LOGS)
COMMANDS: Final[Sequence[Command]] = (*_HERE, *PLACES, *CONTEXTS, *REPLAY, *FRAME)
BY_ID: Final[Mapping[str, Command]] = {command.id: command for command in COMMANDS}
KEYS: Final[Mapping[str, tuple[str, ...]]] = {command.id: command.keys for command in COMMANDS}
BY_NAME: Final[Mapping[str, Command]] = {name: command for command in COMMANDS for name in command.names}


@dataclass(frozen=True, slots=True)
class Unknown:
    """What was typed is no command; the sentence says what is."""

    why: str


def understand(typed: str) -> tuple[Command, str] | Unknown:
    """``package cust`` → (the command, ``cust``). An unfinished name is enough when it is unique."""
    word, _, rest = typed.strip().partition(" ")
    if word in BY_NAME:
        return BY_NAME[word], rest.strip()
    begun = _begun(word)
    if len(begun) == 1:
        return begun[0], rest.strip()
    near = [one.names[0] for one in begun] or get_close_matches(word, BY_NAME, 1) or ["help"]
    return Unknown(f"no command {word!r}; try :{', :'.join(near)}")


def _begun(word: str) -> list[Command]:
    return [one for one in COMMANDS if any(name.startswith(word) for name in one.names)]


def completions(typed: str, desk: Desk) -> tuple[str, ...]:
    """Whole lines that *typed* may become, the likeliest first."""
    word, blank, rest = typed.lstrip().partition(" ")
    if not blank:
        return tuple(one.names[0] for one in COMMANDS if one.names and one.names[0].startswith(word))
    command = BY_NAME.get(word) or next(iter(_begun(word)), None)
    if command is None or command.offers is None:
        return ()
    offered = list(command.offers(desk))
    begun = [text for text in offered if text.startswith(rest)]
    return tuple(f"{word} {text}" for text in begun or [text for text in offered if rest in text])


def hints(screen: ConsoleScreen) -> tuple[Command, ...]:
    """What the status line names on *screen*, the most wanted first; no change where nothing can be changed."""
    named = (one for name in screen.hints if (one := BY_ID[name]).means_something(screen))
    return tuple(one for one in named if screen.session.changing is not None or one.group is not Group.CHANGES)
