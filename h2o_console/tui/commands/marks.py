"""Marking rows of a list, and what is chosen by it: the marked ones, else the one under the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.marks import MOST_TOGETHER
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.commands.places import find
from h2o_console.tui.screens.listing import ListScreen, list_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.rows.places import Place
    from h2o_console.tui.commands.command import Desk

_ALL: Final = "all"


def marked(desk: Desk) -> tuple[Place, ...]:
    """What the marked rows of the list on screen open, or opened when they were marked; none on other screens."""
    screen = list_of(desk.seen)
    return () if screen is None else tuple(mark.opens for mark in screen.marks.values())


def too_many(desk: Desk, places: Iterable[Place]) -> bool:
    """More than one screen shows together? Then that is said."""
    count = len({place.key for place in places})
    if count > MOST_TOGETHER:
        desk.say(f"{count} are marked; {MOST_TOGETHER} at most are shown together", Tone.WARN)
    return count > MOST_TOGETHER


def _list(desk: Desk) -> ListScreen[Any]:
    screen = list_of(desk.seen)
    assert screen is not None, "these commands are for lists alone"
    return screen


def _mark(desk: Desk, typed: str) -> None:
    screen, key = _list(desk), desk.list.cursor
    if typed == _ALL:
        desk.say(f"{screen.mark(*screen.order)} {screen.of} are marked")
    elif typed:
        desk.say("mark what is under the cursor with space, or :mark all that the list shows", Tone.WARN)
    elif screen.marked(key):
        screen.unmark(key)
    elif not screen.mark(key):
        desk.say(screen.gone(key) or "there is nothing under the cursor", Tone.WARN)


def _unmark(desk: Desk, typed: str) -> None:
    screen = _list(desk)
    meant = set(find((mark.name for mark in screen.marks.values()), typed)) if typed else set[str]()
    keys = [mark.key for mark in screen.marks.values() if not typed or mark.name in meant]
    if not keys:
        desk.say(f"nothing marked matches {typed!r}" if typed else "nothing is marked", Tone.WARN)
    screen.unmark(*keys)


def _names(desk: Desk) -> Iterable[str]:
    screen = list_of(desk.seen)
    return () if screen is None else sorted({mark.name for mark in screen.marks.values()})


MARKS: Final = (
    Command(
        "mark",
        "mark the row, or unmark it; l, c and y then take all marked; :mark all: what the list shows",
        _mark,
        Group.MARKS,
        ("space",),
        ("mark",),
        f"[{_ALL}]",
        lambda _: (_ALL,),
        ListScreen,
        "mark",
    ),
    Command(
        "unmark",
        "take all marks away, or those that match; esc does too, after a filter",
        _unmark,
        Group.MARKS,
        names=("unmark",),
        takes="[NAME]",
        offers=_names,
        on=ListScreen,
    ),
)
