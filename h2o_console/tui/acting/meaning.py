"""What is meant by `a`: the marked ones, else what the cursor is on; and what is known of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from h2o_console.acting.choices import Known, Meant
from h2o_console.acting.request import request_of
from h2o_console.rows.finding_keys import key_of
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.triage import found
from h2o_console.text import safe
from h2o_console.tui.acting.offer import Offer
from h2o_console.tui.screens.listing import list_of
from h2o_core.names import from_operator, package_of
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from h2o_console.rows.told import Said
    from h2o_console.tui.screens.listing import ListScreen
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

_PACKAGES = frozenset({Kind.PACKAGE, Kind.CALLS, Kind.EXPERIMENT})


def chosen(screen: ConsoleScreen, cursor: str) -> tuple[Place, ...]:
    """Keys, frozen: whatever the rows do from now on."""
    listed = list_of(screen)
    if listed is not None and listed.marks:
        return tuple(mark.opens for mark in listed.marks.values())
    return tuple(screen.concerns(cursor))


def meant(session: Session, screen: ConsoleScreen, places: Iterable[Place]) -> Meant:
    """Hosts and packages that *places* stand for; of a finding, whom it is about."""
    listed = list_of(screen)
    besides = _besides(listed) if listed is not None and listed.marks else ""
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
        elif place.kind is Kind.FINDING and (key := key_of(place.key)) is not None:
            hosts |= {key.subject.host: None} if key.subject.host else {}
            packages |= {key.subject.package: None} if key.subject.package else {}
    return Meant(tuple(hosts), tuple(packages), besides)


def mends(session: Session, places: Iterable[Place], act: Callable[..., None]) -> list[Offer]:
    """What the findings themselves ask for, of each place the worst one; *act* shows a request's plan."""
    every = tuple(places)
    said = [one for place in every if (one := _worst(session, place)) is not None]
    asked = [(one.finding, request) for one in said if one.is_cause and (request := request_of(one.finding))]
    if asked:
        (finding, first), *more = asked
        action = finding.action
        does = f"what {len(asked)} findings ask for" if more or action is None else action.sentence
        requests = [request for _, request in asked]
        return [Offer("a", f"{safe(does, 80)}  ({safe(first.reason, 120)})", lambda: act(*requests))]
    if not any(place.kind is Kind.FINDING for place in every):
        return []
    if said and not said[0].is_cause:
        return [Offer("a", "what mends it", None, "another finding explains it: e goes to its cause")]
    action = said[0].finding.action if said else None
    why = f"nothing to decide; look closer: {action.command}" if action is not None else "it names no remedy"
    return [Offer("a", "what mends it", None, why)]


def _worst(session: Session, place: Place) -> Said | None:
    if place.kind is Kind.FINDING:
        return found(session.insight, place.key)
    return next((one for one in session.insights_of(place) if one.is_cause and request_of(one.finding)), None)


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
        running = set(view.counts.versions) if view is not None else set[str]()
        decided = traffic.get(package) if traffic else None
        weighed = {version for version, _ in decided.weights} if decided is not None else set[str]()
        if running | weighed:
            versions[package] = tuple(newest_first(running | weighed))
    hosts = None if control is None else control.hosts
    tiers = {} if control is None or not control.tiers else {"tiers": control.tiers}
    return Known(_word, hosts, traffic, versions, tiers)
