"""The end that stands there, and so much more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.plan.plan import CannotPlan

if TYPE_CHECKING:
    from collections.abc import Collection

    from h2o_core.plan.situation import Decided


def later(decided: Decided, package: str, hosts: Collection[str], by_s: float, now_s: float) -> float:
    """Unix time; raises CannotPlan when there is no end, or several."""
    traffic = decided.traffic.get(package)
    ends = {traffic.review_s} if traffic is not None else set[float]()
    ends |= {decided.hosts[host].until_s for host in hosts if host in decided.hosts}
    if len(ends) > 1:
        msg = "they end at different times"
        raise CannotPlan(msg, "extend one after the other, or give them one end: --until 4h, or 4h in the form")
    if ends == {0.0}:
        msg = "it has no end that could be moved"
        raise CannotPlan(msg, "give it one: --until 4h, or 4h in the form")
    return (ends.pop() if ends else now_s) + by_s  # nothing there: the plan says it better
