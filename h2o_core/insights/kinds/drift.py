"""Drift: what runs, what is registered and what is routable should be the same, but for what was decided. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.figures import span
from h2o_core.insights import actions
from h2o_core.insights.finding import Finding, Kind, Severity, Subject
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.insights.picture import Child, Instance
    from h2o_core.insights.sums import Sums

PATIENCE_S: Final = 30.0
"""Who runs for so long without a registration is in trouble."""
SETTLED_S: Final = 10.0
_RUNS: Final = frozenset({"starting", "running"})


def find(sums: Sums) -> Iterator[Finding]:
    """Runs and is not registered; registered and does not run; registered and not routable."""
    for child in sums.picture.children:
        yield from _unregistered(child, sums)
    for instances in sums.instances.values():
        for one in instances:
            if one.known_there is False and (one.up_s is None or one.up_s >= SETTLED_S):
                yield _finding(one, "is registered, and its own host does not know it: it gets requests nobody takes")
            elif _passed_over(one, sums):
                why = f": {one.why}" if one.why else ""
                yield _finding(one, f"is ready and gets no requests, its others do{why}")


def _unregistered(child: Child, sums: Sums) -> Iterator[Finding]:
    late = child.state in _RUNS and not child.registered and child.state_s >= PATIENCE_S
    if late and child.host not in sums.silent and not child.crash_loops:
        yield Finding(
            Kind.DRIFT,
            Subject(child.package, host=child.host, instance=child.key),
            Severity.TICKET,
            f"a process of {shown(child.package)} runs on {child.host}, not registered for {span(child.state_s)}",
            action=actions.look("h2o logs {}", f"{child.host}/{child.key}", sentence="read its log"),
        )


def _passed_over(one: Instance, sums: Sums) -> bool:
    """Not for its verdict, its host's control or link, or its version's weight."""
    control, host = sums.picture.control, sums.hosts.get(one.host)
    return (
        one.state == "ready"
        and one.routable is False
        and one.verdict in {"", "ok"}
        and (one.up_s or 0.0) >= SETTLED_S
        and control is not None
        and one.host not in control.hosts
        and (host is None or (host.link in {"", "up", "self"} and host.register in {"", "registered"}))
        and any(other.routable for other in sums.ready(one.package, one.version))
    )


def _finding(one: Instance, what: str) -> Finding:
    return Finding(
        Kind.DRIFT,
        Subject(one.package, one.version, one.host, instance=one.id),
        Severity.TICKET,
        f"an instance of {shown(one.package)} {one.version} on {one.host} {what}",
        action=actions.look("h2o describe {}", one.id),
    )
