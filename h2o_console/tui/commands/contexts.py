"""Going to another fleet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.text import safe
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.commands.places import find

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk

_NONE: Final = "the configuration file has no other context; h2o context lists them"


def _context(desk: Desk, typed: str) -> None:
    contexts = desk.session.contexts
    if contexts is None or not (fleets := contexts.fleets()).keys() - {contexts.current}:
        desk.say(_NONE, Tone.WARN)
    elif not typed:
        shown = {name: f"{safe(name, 30)}  {safe(said, 80)}" for name, said in fleets.items()}
        desk.pick("go to the fleet of", shown, contexts.current, lambda name: _go(desk, name))
    elif len(found := find(fleets, typed)) == 1:
        _go(desk, found[0])
    else:
        desk.say(f"contexts: {', '.join(safe(name, 30) for name in found or fleets)}", Tone.WARN)


def _go(desk: Desk, name: str) -> None:
    contexts = desk.session.contexts
    if contexts is None or (name == contexts.current and desk.session.replaying is None):
        desk.say(f"this is {safe(name, 30)}")
    elif why := contexts.refusal(name):
        desk.say(f"{safe(name, 30)}: {safe(why, 200)}", Tone.WARN)
    else:
        desk.session.goes_to = name
        desk.leave()


def _names(desk: Desk) -> Iterable[str]:
    return () if desk.session.contexts is None else desk.session.contexts.fleets()


CONTEXTS: Final = (
    Command(
        "context",
        "another fleet: a context of the configuration file; sorts, filters and views are kept for each",
        _context,
        Group.CONSOLE,
        names=("context", "ctx"),
        takes="[NAME]",
        offers=_names,
    ),
)
