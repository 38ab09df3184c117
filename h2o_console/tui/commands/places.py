"""Commands that go somewhere, made from one table: what is typed, which key, and which names may follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.ranking import matches_text
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.listing import list_of

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk
    from h2o_console.tui.session import Session


@dataclass(frozen=True, slots=True)
class Entry:
    """How a kind of screen is reached.

    `names_of` gives the true names that may follow, `of` what they are; without it a list takes a filter. `one`: it
    shows a single resource, and goes on top of the trail; else it begins a new one. `key` is a digit.
    """

    kind: Kind
    names: tuple[str, ...]
    does: str
    key: str = ""
    of: str = ""
    names_of: Callable[[Session], Iterable[str]] | None = None
    one: bool = False


def _packages(session: Session) -> Iterable[str]:
    return sorted(session.store.names())


def _hosts(session: Session) -> Iterable[str]:
    return sorted(session.store.hosts)


def _packages_and_hosts(session: Session) -> Iterable[str]:
    return [*_packages(session), *_hosts(session)]


def _features(session: Session) -> Iterable[str]:
    return session.feature_names()


def _changes(session: Session) -> Iterable[str]:
    return [one.change_id for one in session.changes.entries]


def _instances(session: Session) -> Iterable[str]:
    return sorted(session.instance_keys())


ENTRIES: Final = (
    Entry(Kind.TRIAGE, ("triage", "findings"), "what is wrong, why, and what to do about it", "1"),
    Entry(Kind.PACKAGES, ("packages", "pkgs"), "all packages", "2"),
    Entry(Kind.HOSTS, ("hosts",), "all hosts", "3"),
    Entry(
        Kind.INSTANCES,
        ("instances", "inst"),
        "all instances, or those of a package or host",
        "4",
        "packages or hosts",
        _packages_and_hosts,
    ),
    Entry(Kind.FEATURES, ("features",), "all features, or those of a package", "5", "packages", _packages),
    Entry(Kind.CALLERS, ("callers",), "who calls whom, of the fleet or of a package", "6", "packages", _packages),
    Entry(Kind.EXPERIMENTS, ("experiments",), "versions that are compared, and what is to be made of it", "7"),
    Entry(Kind.JOURNAL, ("journal",), "what was changed, by whom, why, and what took it back", "8"),
    Entry(Kind.FEATURE, ("feature",), "one feature: its versions and its callers", "", "features", _features, one=True),
    Entry(
        Kind.CALLS, ("calls", "tree"), "a package's callers and callees, as a tree", "", "packages", _packages, one=True
    ),
    Entry(Kind.PACKAGE, ("package", "pkg"), "one package in full", "", "packages", _packages, one=True),
    Entry(Kind.HOST, ("host",), "one host in full", "", "hosts", _hosts, one=True),
    Entry(Kind.EXPERIMENT, ("experiment",), "one package's experiment", "", "packages", _packages, one=True),
    Entry(Kind.ENTRY, ("change",), "one change in full", "", "changes", _changes, one=True),
    Entry(Kind.INSTANCE, ("instance", "i"), "one instance in full", "", "instances", _instances, one=True),
)


def _go(entry: Entry) -> Callable[[Desk, str], None]:
    def run(desk: Desk, typed: str) -> None:
        if typed and entry.names_of is not None:
            found = find(entry.names_of(desk.session), typed)
            if len(found) == 1:
                _arrive(desk, entry, found[0])
            elif found:
                desk.say(f"{len(found)} {entry.of} match {typed!r}; type more of the name", Tone.WARN)
            else:
                desk.say(f"no {entry.of.replace('s or ', ' or ').removesuffix('s')} matches {typed!r}", Tone.WARN)
        elif entry.one:
            desk.say(f"which one? :{entry.names[0]} and a part of its name; tab completes it", Tone.WARN)
        else:
            _arrive(desk, entry, "")
            if typed and (listed := list_of(desk.seen)):
                listed.want(replace(listed.wanted, filter=typed))

    return run


def _arrive(desk: Desk, entry: Entry, key: str) -> None:
    place = Place(entry.kind, key)
    if entry.one:
        desk.open(place)
    else:
        desk.journey.view(place)
        desk.show()


def find(names: Iterable[str], typed: str) -> list[str]:
    """The one called so, else all that begin so, else all that contain it, else all with its letters in their order."""
    known, word = list(names), typed.removeprefix("/")
    exact = [name for name in known if name == word]
    begun = exact or [name for name in known if name.startswith(word)]
    within = begun or [name for name in known if word in name]
    return within or [name for name in known if matches_text(name, word)]


def _offers(entry: Entry) -> Callable[[Desk], Iterable[str]] | None:
    names_of = entry.names_of
    return None if names_of is None else lambda desk: names_of(desk.session)


PLACES: Final = tuple(
    Command(
        entry.kind.name.lower(),
        entry.does,
        _go(entry),
        Group.PLACES,
        (entry.key,) if entry.key else (),
        entry.names,
        "[FILTER]" if entry.names_of is None else "NAME" if entry.one else "[NAME]",
        _offers(entry),
    )
    for entry in ENTRIES
)
