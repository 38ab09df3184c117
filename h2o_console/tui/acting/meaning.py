"""What is meant by `a`: the marked ones, else what the cursor is on; and what is known of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from h2o_console.acting.choices import Known, Meant
from h2o_console.rows.places import Kind, Place
from h2o_console.text import safe
from h2o_console.tui.screens.listing import list_of
from h2o_core.names import from_operator, package_of
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.tui.screens.listing import ListScreen
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

_PACKAGES = frozenset({Kind.PACKAGE, Kind.CALLS})


def meant(session: Session, screen: ConsoleScreen, cursor: str) -> Meant:
    """Keys, frozen: whatever the rows do from now on."""
    listed = list_of(screen)
    if listed is not None and listed.marks:
        places = tuple(mark.opens for mark in listed.marks.values())
        return _of(session, places, _besides(listed))
    return _of(session, screen.concerns(cursor), "")


def _of(session: Session, places: Iterable[Place], besides: str) -> Meant:
    hosts: dict[str, None] = {}
    packages: dict[str, None] = {}
    for place in places:
        if place.kind is Kind.HOST:
            hosts[place.key] = None
        elif place.kind in _PACKAGES:
            packages[from_operator(place.key)] = None
        elif place.kind is Kind.FEATURE:
            packages[package_of(from_operator(place.key))] = None
        elif place.kind is Kind.INSTANCE and (host := session.host_of(place.key)):
            hosts[host] = None
            if package := session.package_of(place.key):
                packages[from_operator(package)] = None
    return Meant(tuple(hosts), tuple(packages), besides)


def _besides(listed: ListScreen[Any]) -> str:
    """Which of the marked ones are not on the list, by name."""
    shown, there = set(listed.order), listed.board.rows.keys()
    hidden = [mark.name for mark in listed.marks.values() if mark.key in there and mark.key not in shown]
    gone = [mark.name for mark in listed.marks.values() if mark.key not in there]
    said = f"{len(listed.marks)} are marked"
    said += f"; hidden by the filter: {safe(', '.join(hidden), 2000)}" if hidden else ""
    return said + (f"; gone: {safe(', '.join(gone), 2000)}" if gone else "")


def _word() -> str:
    return secrets.token_hex(4)


def known(session: Session, packages: Iterable[str]) -> Known:
    """As far as the store knows it."""
    control = session.store.control
    traffic = None if control is None else control.traffic
    versions: dict[str, tuple[str, ...]] = {}
    for package in packages:
        view = session.store.package(package.removeprefix("/"), session.clock())
        running = {one.version for one in view.instances} if view is not None else set[str]()
        decided = traffic.get(package) if traffic else None
        weighed = {version for version, _ in decided.weights} if decided is not None else set[str]()
        if running | weighed:
            versions[package] = tuple(newest_first(running | weighed))
    hosts = None if control is None else control.hosts
    tiers = {} if control is None or not control.tiers else {"tiers": control.tiers}
    return Known(_word, hosts, traffic, versions, tiers)
