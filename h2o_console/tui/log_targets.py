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
            return Question(instances=(place.key.rpartition("/")[2],), severity=severity, grep=grep, tail=TAIL)
        case _:
            return Question(packages=(place.key,), severity=severity, grep=grep, tail=TAIL)


def targets_for(session: Session, place: Place) -> Sequence[Target]:
    """The agents of the hosts that it runs on; of a package that runs nowhere, all: the last lines are there."""
    if session.poller is None:
        return ()
    agents = session.poller.agents()
    hosts = [host for host in sorted(_hosts(session, place)) if host in agents]
    return [Target(host, *agents[host]) for host in hosts[:_MOST_HOSTS]]


def _hosts(session: Session, place: Place) -> Iterable[str]:
    store = session.store
    match place.of:
        case Kind.HOST:
            return (place.key,)
        case Kind.INSTANCE:
            host, slash, _ = place.key.rpartition("/")
            return (host,) if slash else (session.host_of(place.key),)
        case _:
            return store.hosts_of((place.key,)) or list(store.hosts)
