"""The counters in what an agent counts (`HostStats`), as checked values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.pb import stats_pb2
    from h2o_core.pb.host_pb2 import HostStats


_INDEXES: Final = range(-512, 2048)
"""Bucket indexes from 2^-16 ns to 2^64 ns: others would overflow when they become times."""
_MOST: Final = 1 << 62
"""Numbers beyond this are nobody's count."""


@dataclass(frozen=True, slots=True)
class EndpointCounts:
    """One feature of one instance since its broker started; `times` is None when its sketch is crooked."""

    feature: str
    outcomes: Mapping[str, int]
    times: Histogram | None
    last_error: str = ""
    last_error_s: float | None = None


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """One instance as its own host's broker counts it; `started_s` is that host's clock (unix)."""

    id: str
    package: str
    version: str
    host: str
    zone: str
    state: str
    started_s: float | None = None
    slots: int | None = None
    in_flight: int | None = None
    queued: int | None = None
    endpoints: Mapping[str, EndpointCounts] = field(default_factory=dict[str, EndpointCounts])


@dataclass(frozen=True, slots=True)
class CallerCounts:
    """What one caller on this host got from one feature, counted at the origin. Never added to the above.

    `times` is None when its sketch is crooked; `breaches`: how many were against the tier rules.
    """

    caller: str
    version: str
    feature: str
    outcomes: Mapping[str, int]
    times: Histogram | None = None
    breaches: int = 0


@dataclass(frozen=True, slots=True)
class HostCounts:
    """A host's counters at `as_of_s` (its own clock, unix seconds; None while its broker is away)."""

    host: str
    as_of_s: float | None
    instances: tuple[InstanceCounts, ...] = ()
    callers: tuple[CallerCounts, ...] = ()


def counts_of(message: HostStats) -> HostCounts:
    """The counters in it, checked: what is no number or no text can't be in a protobuf, the rest is the reader's."""
    report = message.report
    known = message.HasField("report")
    return HostCounts(
        host=message.host,
        as_of_s=report.now_s if known else None,
        instances=tuple(_instances(message)),
        callers=tuple(_caller(one) for one in report.callers),
    )


def _instances(message: HostStats) -> Iterable[InstanceCounts]:
    report = message.report
    waiting = _queue_shares(report)
    for one in report.instances:
        endpoints = [_endpoint(feature) for feature in one.features]
        yield InstanceCounts(
            id=one.instance,
            package=shown(one.package),
            version=one.version,
            host=message.host,
            zone=message.zone,
            state=one.state or "unknown",
            started_s=one.started_s or None,
            slots=one.slots,
            in_flight=one.in_flight,
            queued=waiting.get(one.instance, 0),
            endpoints={endpoint.feature: endpoint for endpoint in sorted(endpoints, key=lambda each: each.feature)},
        )


def _queue_shares(report: stats_pb2.BrokerReport) -> dict[str, int]:
    """Instance → its share of what waits for its version, so that the shares add up to what waits."""
    shares: dict[str, int] = {}
    for queue in report.queues:
        ids = sorted(
            one.instance for one in report.instances if (one.package, one.version) == (queue.package, queue.version)
        )
        for at, each in enumerate(ids):
            shares[each] = queue.queued // len(ids) + (at < queue.queued % len(ids))
    return shares


def _endpoint(feature: stats_pb2.FeatureStats) -> EndpointCounts:
    return EndpointCounts(
        feature=shown(feature.feature),
        outcomes=outcomes_of(feature.outcomes),
        times=sketch_of(feature.processing),
        last_error=feature.last_error,
        last_error_s=feature.last_error_time_s or None,
    )


def sketch_of(sketch: stats_pb2.Sketch) -> Histogram | None:
    """Its histogram; None when it is crooked."""
    index, counts = list(sketch.index), list(sketch.count)
    if len(index) != len(counts) or not all(each in _INDEXES for each in index) or max(counts, default=0) > _MOST:
        return None
    return Histogram.from_lists(index, counts, sketch.zero, sketch.sum)


def _caller(one: stats_pb2.CallerReport) -> CallerCounts:
    outcomes, times = outcomes_of(one.outcomes), sketch_of(one.latency)
    return CallerCounts(shown(one.caller), one.version, shown(one.feature), outcomes, times, one.breaches)


def outcomes_of(counts: Iterable[stats_pb2.OutcomeCount]) -> dict[str, int]:
    """By name; a code of a newer broker keeps its number."""
    return {_NAMES.get(one.code, str(one.code)): one.count for one in counts if one.count}


_NAMES: Final = {int(code): code.name for code in Code}
