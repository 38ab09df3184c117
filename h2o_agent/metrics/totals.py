"""Counts that never fall: what the broker says of who is there, and what those had counted who have gone. Pure.

A broker counts by instance and forgets an instance that leaves. A sum over those that are there would fall with each
that goes, which a reader of counters takes for a restart. So what was last said of it is kept, by package, version
and feature; what it did in its last second is lost.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from h2o_core.histogram import Histogram
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.pb.stats_pb2 import BrokerReport, CallerReport, InstanceReport, OutcomeCount, Sketch


class Served(NamedTuple):
    """What is counted where requests are served."""

    package: str
    version: str
    feature: str


class Asked(NamedTuple):
    """What is counted where they come from."""

    caller: str
    version: str
    feature: str


@dataclass(slots=True)
class Count:
    """Outcomes by code, and times. `breaches`: of them against the tier rules."""

    outcomes: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    times: Histogram = field(default_factory=Histogram)
    breaches: int = 0

    def add(self, outcomes: Iterable[OutcomeCount], times: Sketch | None = None, breaches: int = 0) -> None:
        """Count these too."""
        self.breaches += breaches
        for outcome in outcomes:
            self.outcomes[outcome.code] += outcome.count
        if times is not None:
            pairs = min(len(times.index), len(times.count))  # parallel in a sound one
            self.times.merge(
                Histogram.from_lists(times.index[:pairs], times.count[:pairs], times.zero, times.sum),
            )

    def merge(self, other: Count) -> None:
        """Add *other*'s."""
        for code, count in other.outcomes.items():
            self.outcomes[code] += count
        self.times.merge(other.times)
        self.breaches += other.breaches


_MOST: Final = 5000
Key = TypeVar("Key")
Counts = dict[Served, Count]
Questions = dict[Asked, Count]


class Totals:
    """Tell it each report with `heard`; `served` and `asked` are the sums with what is gone."""

    def __init__(self) -> None:
        self._gone: Counts = {}
        self._gone_asked: Questions = {}
        self._last: BrokerReport | None = None

    def heard(self, report: BrokerReport) -> None:
        """The broker has said this; it is kept and must not be changed any more."""
        last, self._last = self._last, report
        if last is None:
            return
        restarted = last.incarnation != report.incarnation
        there = set[str]() if restarted else {one.instance for one in report.instances}
        if gone := [one for one in last.instances if one.instance not in there]:
            self._gone = _newest(_with_served(self._gone, gone))
        if restarted:
            self._gone_asked = _newest(_with_asked(self._gone_asked, last.callers))

    def served(self, report: BrokerReport) -> Counts:
        """By package, version and feature, with *report* as what is there."""
        return _with_served(self._gone, report.instances)

    def asked(self, report: BrokerReport) -> Questions:
        """By caller, its version, and feature."""
        return _with_asked(self._gone_asked, report.callers)


def _newest(counts: dict[Key, Count]) -> dict[Key, Count]:
    """Whoever invents names without end gets no memory without end."""
    return dict(list(counts.items())[-_MOST:])


def _copied(count: Count) -> Count:
    copy = Count()
    copy.merge(count)
    return copy


def _with_served(before: Counts, instances: Iterable[InstanceReport]) -> Counts:
    """*before* is left as it is: another thread may be reading it."""
    counts = {key: _copied(count) for key, count in before.items()}
    for instance in instances:
        for feature in instance.features:
            key = Served(shown(instance.package), instance.version, shown(feature.feature))
            counts.setdefault(key, Count()).add(feature.outcomes, feature.processing)
    return counts


def _with_asked(before: Questions, callers: Iterable[CallerReport]) -> Questions:
    counts = {key: _copied(count) for key, count in before.items()}
    for caller in callers:
        key = Asked(shown(caller.caller), caller.version, shown(caller.feature))
        counts.setdefault(key, Count()).add(caller.outcomes, breaches=caller.breaches)
    return counts
