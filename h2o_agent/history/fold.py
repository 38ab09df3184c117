"""What happened between two reports of the broker, by package and version. Pure.

A report has raw counters of each instance, which only grow while the broker lives. Another incarnation, a
first report and one that comes after a long silence begin anew: what happened before them is not known, which
is a gap and neither zero nor negative. What an instance did between its last report and its end is not known either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_agent.history.tally import Tally, counts_of, histogram_of

if TYPE_CHECKING:
    from h2o_core.pb.stats_pb2 import BrokerReport, FeatureStats

PackageVersion = tuple[str, str]
"""``("/service/customer", "1.4.2")``."""

LONGEST_S: Final = 10.0
"""Counts over a longer silence can't be given a time."""


class Fold:
    """Feed it each report once, in order."""

    def __init__(self) -> None:
        self._last: BrokerReport | None = None
        self._features: dict[tuple[str, str], FeatureStats] = {}

    def report(self, report: BrokerReport) -> dict[PackageVersion, Tally]:
        """What happened since the report before; empty when there is nothing to compare with."""
        before, features = self._last, self._features
        self._last = report
        self._features = {
            (instance.instance, feature.feature): feature
            for instance in report.instances
            for feature in instance.features
        }
        if before is None or before.incarnation != report.incarnation:
            return {}
        covered_s = report.now_s - before.now_s
        if not 0 < covered_s <= LONGEST_S:
            return {}
        tallies: dict[PackageVersion, Tally] = {}
        for instance in report.instances:
            tally = tallies.setdefault((instance.package, instance.version), Tally(covered_s))
            tally.instances += instance.state == "ready"
            tally.in_flight += instance.in_flight
            for feature in instance.features:
                _count(tally, features.get((instance.instance, feature.feature)), feature)
        for queue in report.queues:
            if (queue.package, queue.version) in tallies:
                tallies[queue.package, queue.version].queued = queue.queued
        return tallies


def _count(tally: Tally, before: FeatureStats | None, now: FeatureStats) -> None:
    """Add what was counted since *before* (None: since the instance came)."""
    if before == now:
        return
    earlier = counts_of(before.outcomes) if before is not None else {}
    more = {code: count - earlier.get(code, 0) for code, count in counts_of(now.outcomes).items()}
    if any(count < 0 for count in more.values()):
        return
    times = histogram_of(now.processing)
    if before is not None:
        try:
            times = times.since(histogram_of(before.processing))
        except ValueError:
            return
    for code, count in more.items():
        if count:
            tally.outcomes[code] = tally.outcomes.get(code, 0) + count
    tally.processing.merge(times)
