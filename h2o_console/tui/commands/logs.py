"""Opening logs, and what is asked of them: which lines, how long ones stand there, whether the list follows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.marks import together
from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.commands.marks import marked, too_many
from h2o_console.tui.commands.places import find
from h2o_console.tui.screens.logs import LogsScreen
from h2o_core.names import package_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.tui.commands.command import Desk
    from h2o_console.tui.session import Session

_HAVE_LOGS: Final = (Kind.PACKAGE, Kind.HOST, Kind.INSTANCE)


def _open(desk: Desk, typed: str) -> None:
    if typed:
        _open_named(desk, typed)
        return
    several = [place for one in marked(desk) if (place := _whose(one)) is not None]
    if several:
        if not too_many(desk, several):
            desk.open(together(Kind.LOGS, several))
        return
    under = (desk.seen.opens(desk.list.cursor), desk.seen.place)
    place = next((one for one in map(_whose, under) if one is not None), None)
    if place is None:
        desk.say("nothing under the cursor has logs; :logs and a package, a host or an instance", Tone.WARN)
    else:
        desk.open(Place(Kind.LOGS, place.key, place.kind))


def _whose(place: Place | None) -> Place | None:
    """Whose logs tell of it: a feature's package's."""
    if place is None or place.kind in _HAVE_LOGS:
        return place
    if place.kind is Kind.FEATURE:
        return Place(Kind.PACKAGE, shown(package_of(f"/{place.key}")))
    return Place(Kind.PACKAGE, place.key) if place.kind is Kind.CALLS else None


def _open_named(desk: Desk, typed: str) -> None:
    for kind, names in _named(desk.session):
        found = find(names, typed)
        if len(found) == 1:
            desk.open(Place(Kind.LOGS, found[0], kind))
            return
        if found:
            desk.say(f"{len(found)} {kind.value}s match {typed!r}; type more of the name", Tone.WARN)
            return
    desk.say(f"no package, host or instance matches {typed!r}", Tone.WARN)


def _named(session: Session) -> Iterable[tuple[Kind, list[str]]]:
    yield Kind.PACKAGE, sorted(session.store.names())
    yield Kind.HOST, sorted(session.store.hosts)
    yield Kind.INSTANCE, sorted(session.instance_keys())


def _offers(desk: Desk) -> Iterable[str]:
    return (name for kind, names in _named(desk.session) if kind is not Kind.INSTANCE for name in names)


def _logs(desk: Desk) -> LogsScreen:
    assert isinstance(desk.seen, LogsScreen), "these commands are for logs alone"
    return desk.seen


def _follow(desk: Desk, _: str) -> None:
    logs = _logs(desk)
    logs.set_following(following=not logs.following)


def _wrap(desk: Desk, _: str) -> None:
    logs = _logs(desk)
    logs.set_wrap(wrap=not logs.wrap)


def _severity(desk: Desk, _: str) -> None:
    floor = _logs(desk).raise_floor()
    desk.say(f"{floor.name} and worse" if floor else "lines of any severity")


LOGS: Final = (
    Command(
        "logs",
        "the logs of what the cursor is on, of all marked, or of a package, a host, an instance; as they come",
        _open,
        Group.PLACES,
        ("l",),
        ("logs",),
        "[NAME]",
        _offers,
    ),
    Command(
        "follow",
        "follow, or stand still; scrolling up stands still too, G goes on",
        _follow,
        Group.LOGS,
        ("f",),
        ("follow",),
        on=LogsScreen,
        hint="follow",
    ),
    Command(
        "severity",
        "only lines of a severity and worse: DEBUG, INFO, WARN, ERROR, then all again",
        _severity,
        Group.LOGS,
        ("v",),
        ("severity",),
        on=LogsScreen,
        hint="severity",
    ),
    Command(
        "type_grep",
        "only lines that contain a text, here and at the agents; capitals count when there are any",
        lambda desk, _: desk.ask("/", _logs(desk).grep),
        Group.LOGS,
        ("/",),
        on=LogsScreen,
        hint="filter",
    ),
    Command(
        "grep",
        "show lines that contain the text; nothing clears it",
        lambda desk, typed: _logs(desk).look_for(typed),
        Group.LOGS,
        names=("grep",),
        takes="TEXT",
        on=LogsScreen,
    ),
    Command("wrap", "wrap long lines, or cut them", _wrap, Group.LOGS, ("w",), ("wrap",), on=LogsScreen, hint="wrap"),
)
