"""Whose logs a place shows: what the agents are asked, and which of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.logs.question import Question, Target
from h2o_console.rows.places import Kind, Place

if TYPE_CHECKING:
    from h2o_console.tui.session import Session
    from h2o_core.logs import Severity

TAIL: Final = 200
_MOST_HOSTS: Final = 50
"""Connections that stay open while somebody reads."""


def question_for(place: Place, floor: Severity, grep: str) -> Question:
    """Of a place of kind LOGS."""
    severity = floor.name if floor else ""
    match place.of:
        case Kind.HOST:
            return Question(severity=severity, grep=grep, tail=TAIL)
        case Kind.INSTANCE:
            ids = tuple(key for key in place.keys if "/" not in key)
            return Question(instances=ids, severity=severity, grep=grep, tail=TAIL)
        case _:
            return Question(packages=place.keys, severity=severity, grep=grep, tail=TAIL)


def targets_for(session: Session, place: Place) -> Sequence[Target]:
    """The agents of the hosts that they run on; when one of several runs nowhere, all: its last lines are there."""
    if session.poller is None:
        return ()
    agents = session.poller.agents()
    hosts = [host for host in sorted(_hosts(session, place)) if host in agents]
    nameless = _nameless(place)
    return [Target(host, *agents[host], tuple(nameless.get(host, ()))) for host in hosts[:_MOST_HOSTS]]


def _nameless(place: Place) -> dict[str, list[str]]:
    """Children that have said no id, which their hosts' agents alone know by key: host → keys."""
    found: dict[str, list[str]] = {}
    if place.of is Kind.INSTANCE:
        for key in place.keys:
            host, slash, child = key.rpartition("/")
            if slash:
                found.setdefault(host, []).append(child)
    return found


def _hosts(session: Session, place: Place) -> set[str]:
    return {host for key in place.keys for host in _hosts_of(session, place.of, key)}


def _hosts_of(session: Session, of: Kind | None, key: str) -> Iterable[str]:
    store = session.store
    match of:
        case Kind.HOST:
            return (key,)
        case Kind.INSTANCE:
            host = key.rpartition("/")[0] or session.host_of(key)
            return (host,) if host else list(store.hosts)
        case _:
            return store.hosts_of((key,)) or list(store.hosts)
