"""What is asked of a list: sorted by what, which rows, how wide."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.rows.cells import Tone
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.listing import ListScreen, list_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.tui.commands.command import Desk


def _lists(desk: Desk) -> ListScreen[Any]:
    screen = list_of(desk.seen)
    assert screen is not None, "these commands are for lists alone"
    return screen


def _sort(desk: Desk, what: str) -> None:
    screen = _lists(desk)
    if not what:
        desk.pick(
            "sort by   (the same again reverses)",
            {name: name for name in screen.sorts},
            screen.sort,
            lambda name: _sort(desk, name),
        )
        return
    found = [name for name in screen.sorts if name == what] or [name for name in screen.sorts if name.startswith(what)]
    if len(found) != 1:
        desk.say(f"sort by one of: {', '.join(screen.sorts)}", Tone.WARN)
        return
    wanted = screen.wanted
    again = screen.sort == found[0]
    screen.want(replace(wanted, sort=found[0], reverse=again and not wanted.reverse))


def _sorts(desk: Desk) -> Iterable[str]:
    return screen.sorts if (screen := list_of(desk.seen)) else ()


def _filter(desk: Desk, text: str) -> None:
    _lists(desk).want(replace(_lists(desk).wanted, filter=text))


def _problems(desk: Desk, _: str) -> None:
    wanted = _lists(desk).wanted
    _lists(desk).want(replace(wanted, problems=not wanted.problems))


def _wide(desk: Desk, _: str) -> None:
    wanted = _lists(desk).wanted
    _lists(desk).want(replace(wanted, wide=not wanted.wide))
    desk.say("wide: all columns that fit, names in full" if not wanted.wide else "wide is off again")


LISTS: Final = (
    Command(
        "type_filter",
        "filter: the letters in their order (/scust finds service/customer); /!word leaves out",
        lambda desk, _: desk.ask("/", _lists(desk).wanted.filter),
        Group.LIST,
        ("/",),
        on=ListScreen,
        hint="filter",
    ),
    Command(
        "filter",
        "show what matches, !TEXT what does not; nothing clears it",
        _filter,
        Group.LIST,
        names=("filter", "f"),
        takes="TEXT",
        on=ListScreen,
    ),
    Command(
        "sort",
        "sort by a column; by the same again: the other way round",
        _sort,
        Group.LIST,
        ("s",),
        ("sort",),
        "COLUMN",
        _sorts,
        ListScreen,
        "sort",
    ),
    Command(
        "problems",
        "only problems (x ! ?), or all again",
        _problems,
        Group.LIST,
        ("p",),
        ("problems",),
        on=ListScreen,
        hint="problems",
    ),
    Command("wide", "all columns that fit, names in full", _wide, Group.LIST, ("w",), ("wide",), on=ListScreen),
)
