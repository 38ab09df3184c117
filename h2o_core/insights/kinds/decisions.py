"""What operators decided and have to look at again: reviews that are due, avoids that end, versions that wait. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.control.hosts import HostState
from h2o_core.figures import many, span
from h2o_core.insights import actions
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject
from h2o_core.insights.sums import grouped
from h2o_core.names import shown
from h2o_core.versions import newest_first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic
    from h2o_core.insights.sums import Sums

SOON_S: Final = 600.0
"""Whoever avoids a host for an hour wants to know ten minutes before it is back."""
OVERDUE_S: Final = 30.0
SETTLED_S: Final = 30.0
"""So long an instance has been ready before it is said that it waits."""


def find(sums: Sums) -> Iterator[Finding]:
    """What control says, as far as anybody could read it, and which versions have nothing to do."""
    control, now_s = sums.picture.control, sums.picture.now_s
    if control is not None:
        for traffic in control.traffic.values():
            yield from _review(traffic, now_s)
        for decided in control.hosts.values():
            yield from _ends(decided, now_s)
    for package in sums.instances:
        yield from _newcomers(package, sums)


def _review(traffic: Traffic, now_s: float) -> Iterator[Finding]:
    if not 0 < traffic.review_s <= now_s:
        return
    over_s = now_s - traffic.review_s
    weights = ", ".join(f"{version} {parts / 100:g} %" for version, parts in traffic.weights if parts)
    reason = f" ({traffic.reason})" if traffic.reason else ""
    yield Finding(
        Kind.REVIEW,
        Subject(traffic.package),
        Severity.TICKET,
        f"{shown(traffic.package)}: {traffic.owner or 'somebody'} wanted to look again {span(over_s)} ago at"
        f" {weights}{reason}",
        (Evidence("overdue", round(over_s), "s"),),
        action=actions.extend_review(traffic.package, now_s),
    )


def _ends(decided: HostControl, now_s: float) -> Iterator[Finding]:
    left_s = decided.until_s - now_s
    if not decided.until_s or -OVERDUE_S < left_s <= 0 or left_s > SOON_S:
        return
    what = "avoid" if decided.state is HostState.AVOID else "drain"
    reason = f": {decided.reason}" if decided.reason else ""
    when = f"ends in {span(left_s)}" if left_s > 0 else f"should have ended {span(-left_s)} ago and is still in force"
    yield Finding(
        Kind.AVOID_ENDS,
        Subject(host=decided.host),
        Severity.TICKET,
        f"the {what} of {decided.host} {when} (by {decided.owner}{reason})",
        (Evidence("left", round(left_s), "s", SOON_S),),
        action=actions.extend_host(decided, now_s),
    )


def _newcomers(package: str, sums: Sums) -> Iterator[Finding]:
    """The newest version is ready and gets nothing, and nobody has decided so."""
    control = sums.picture.control
    traffic = None if control is None else control.traffic.get(package)
    up = [one for one in sums.instances[package] if one.state == "ready" and (one.up_s or 0.0) >= SETTLED_S]
    versions = grouped(up, lambda one: one.version)
    served = [version for version, group in versions.items() if any(one.routable for one in group)]
    newest = newest_first(versions)[:1]
    if not served or not newest or newest[0] in served:
        return
    waiting = versions[newest[0]]
    named = traffic is not None and newest[0] in dict(traffic.weights)
    elsewhere = control is not None and all(one.host in control.hosts for one in waiting)
    requests = sums.versions.get((package, newest[0]))
    if named or elsewhere or not all(one.routable is False and one.verdict in {"", "ok"} for one in waiting):
        return
    if requests is None or not requests.requests:
        yield Finding(
            Kind.NEWCOMER,
            Subject(package, newest[0]),
            Severity.NOTE,
            f"{shown(package)} {newest[0]} is ready ({many(len(waiting), 'instance')}) and gets no traffic:"
            f" nobody has decided how much",
            (Evidence("instances", len(waiting)),),
            action=actions.try_out(package, newest[0]),
        )
