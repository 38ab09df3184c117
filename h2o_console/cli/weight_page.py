"""The page of `h2o weight`: each version's share now and then, its instances and slots, who decided it, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.output import Column, age
from h2o_console.cli.printing import Page
from h2o_console.feed.answers import SCHEMA
from h2o_core.names import shown
from h2o_core.times import rfc3339
from h2o_core.weights import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.ready import Capacity
    from h2o_console.cli.weighing import Known
    from h2o_core.control import Traffic

_THEN: Final = "THEN"
COLUMNS: Final = (
    Column("VERSION"),
    Column("NOW", right=True),
    Column(_THEN, right=True),
    Column("INSTANCES", right=True),
    Column("READY SLOTS", right=True),
    Column("FALLBACK"),
)


def weight_page(fleet: str, known: Known, then: Traffic | None, capacity: Capacity, more: Mapping[str, Any]) -> Page:
    """*then*: what is (to be) decided, None to show what is. *more* goes into the JSON as it is."""
    now, traffic = known.shares(), then or known.traffic
    after = {} if then is None else dict(then.weights)
    rows: list[tuple[str, ...]] = []
    entries: list[dict[str, Any]] = []
    for version in dict.fromkeys([*now, *after]):
        before, stable = now.get(version, 0), traffic is not None and traffic.stable == version
        instances, slots = known.versions.get(version, 0), capacity.slots.get(version, 0)
        share = "by load" if before is None else percent(before)
        later = () if then is None else (percent(after.get(version, 0)),)
        rows.append((version, share, *later, str(instances), str(slots), "stable" if stable else ""))
        entries.append(
            {
                "version": version,
                "now": before,
                "then": None if then is None else after.get(version, 0),
                "instances": instances,
                "ready_slots": slots,
                "stable": stable,
            }
        )
    columns = [column for column in COLUMNS if then is not None or column.head != _THEN]
    document = {
        "schema": SCHEMA,
        "fleet": fleet,
        "package": shown(known.package),
        "decided": known.traffic is not None,
        **_said(traffic),
        "weights": entries,
        **more,
    }
    return Page(columns, rows, document, [row[0] for row in rows])


def _said(traffic: Traffic | None) -> dict[str, Any]:
    if traffic is None:
        return {"owner": None, "reason": None, "review": None, "rules": 0}
    review = rfc3339(traffic.review_s) if traffic.review_s else None
    return {"owner": traffic.owner, "reason": traffic.reason, "review": review, "rules": len(traffic.rules)}


def remark(known: Known, now_s: float) -> tuple[str, str]:
    """Who decided what is there, and what to type when nobody has."""
    traffic = known.traffic
    if traffic is None:
        return "nobody has decided anything about its versions", f"h2o weight {shown(known.package)} VERSION=PERCENT"
    reason = f": {traffic.reason}" if traffic.reason else ""
    rules = f"; {len(traffic.rules)} match rules come first" if traffic.rules else ""
    late = f"; its review was due {age(now_s - traffic.review_s)} ago" if 0 < traffic.review_s < now_s else ""
    return f"decided by {traffic.owner or 'somebody'}{reason}{rules}{late}", ""
