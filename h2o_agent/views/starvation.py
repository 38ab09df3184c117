"""What `/health` says where slots are few: which callers have them, and whose requests get none. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.views.finding import Finding, Verdict
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from h2o_agent.snapshot import Told
    from h2o_core.pb.stats_pb2 import QueueReport

MOST_NAMED: Final = 3
"""Of those that were refused, and of the others."""


def starved(told: Told, package: str) -> Iterator[Finding]:
    """One for each version of *package* on this host that had no slot for somebody in the last seconds."""
    for queue in told.report.queues:
        refused = sum(one.refused for one in queue.callers)
        if shown(queue.package) == package and refused:
            yield Finding(
                check=f"{package}:capacity",
                component=f"{package}@{queue.version}",
                kind="component",
                verdict=Verdict.WARN,
                observed=refused,
                unit="requests",
                time_s=told.report.now_s,
                output=_who_got_what(queue),
            )


def _who_got_what(queue: QueueReport) -> str:
    """The callers that were refused most, then those that have the most slots."""
    by_share = sorted(queue.callers, key=lambda one: (-one.started, one.caller))
    refused = sorted((one for one in by_share if one.refused), key=lambda one: -one.refused)
    named = [*refused[:MOST_NAMED], *[one for one in by_share if not one.refused][:MOST_NAMED]]
    started = max(1, sum(one.started for one in queue.callers))
    shares = [f"{shown(one.caller)} {round(100 * one.started / started)} %" for one in named]
    counts = [f"{one.refused} of {shown(one.caller)}" for one in refused[:MOST_NAMED]]
    counts += [f"of {len(refused) - MOST_NAMED} more callers"] if len(refused) > MOST_NAMED else []
    return f"of the slots {', '.join(shares)}; refused in {queue.over_s} s: {', '.join(counts)}"
