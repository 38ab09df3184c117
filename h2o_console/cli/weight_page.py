"""The page of `h2o weight`: each version's share, its instances and slots, who decided it, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Column, age
from h2o_console.cli.printing import Page
from h2o_console.feed.answers import SCHEMA
from h2o_core.names import shown
from h2o_core.plan.routes import routes
from h2o_core.times import rfc3339
from h2o_core.weights import percent

if TYPE_CHECKING:
    from h2o_core.control.traffic import Traffic
    from h2o_core.plan.situation import Decided, Fleet

COLUMNS: Final = (
    Column("VERSION"),
    Column("SHARE", right=True),
    Column("INSTANCES", right=True),
    Column("READY SLOTS", right=True),
    Column("FALLBACK"),
)


def weight_page(fleet_name: str, package: str, decided: Decided, fleet: Fleet) -> Page:
    """What is decided, or what happens where nothing is."""
    traffic = decided.traffic.get(package)
    route = routes(decided, fleet, [package])[package]
    running = [one for one in fleet.instances if one.package == package]
    versions = dict.fromkeys([*fleet.versions.get(package, ()), *route.given, *(one.version for one in running)])
    rows: list[tuple[str, ...]] = []
    entries: list[dict[str, Any]] = []
    for version in versions:
        here = [one for one in running if one.version == version]
        slots = sum(one.slots for one in route.crowd.get(version, ()))
        parts = None if route.by_load and here else route.given.get(version, 0)
        stable = traffic is not None and traffic.stable == version
        share = "by load" if parts is None else percent(parts)
        rows.append((version, share, str(len(here)), str(slots), "stable" if stable else ""))
        entries.append(
            {"version": version, "now": parts, "instances": len(here), "ready_slots": slots, "stable": stable}
        )
    document = {
        "schema": SCHEMA,
        "fleet": fleet_name,
        "package": shown(package),
        "decided": traffic is not None,
        **_said(traffic),
        "weights": entries,
    }
    return Page(COLUMNS, rows, document, [row[0] for row in rows])


def _said(traffic: Traffic | None) -> dict[str, Any]:
    if traffic is None:
        return {"owner": None, "reason": None, "review": None, "rules": 0}
    review = rfc3339(traffic.review_s) if traffic.review_s else None
    return {"owner": traffic.owner, "reason": traffic.reason, "review": review, "rules": len(traffic.rules)}


def remark(package: str, decided: Decided, now_s: float) -> tuple[str, str]:
    """Who decided what is there, and what to type when nobody has."""
    traffic = decided.traffic.get(package)
    if traffic is None:
        return "nobody has decided anything about its versions", f"h2o weight {shown(package)} VERSION=PERCENT"
    reason = f": {traffic.reason}" if traffic.reason else ""
    rules = f"; {len(traffic.rules)} match rules come first" if traffic.rules else ""
    late = f"; its review was due {age(now_s - traffic.review_s)} ago" if 0 < traffic.review_s < now_s else ""
    return f"decided by {traffic.owner or 'somebody'}{reason}{rules}{late}", ""
