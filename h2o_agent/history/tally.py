"""What was counted in some stretch of time, and how two of them become one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_core.histogram import Histogram
from h2o_core.pb.host_pb2 import Point, Vitals
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(slots=True)
class Tally:
    """Counts add up, gauges are those at the end, vitals are a mean weighted by time."""

    covered_s: float = 0.0
    """How much time was counted."""
    outcomes: dict[int, int] = field(default_factory=dict[int, int])
    processing: Histogram = field(default_factory=Histogram)
    instances: int = 0
    in_flight: int = 0
    queued: int = 0
    vitals: Vitals | None = None

    def merge(self, later: Tally) -> None:
        """Add what was counted after this."""
        self.vitals = _mean_vitals(self.vitals, self.covered_s, later.vitals, later.covered_s)
        self.covered_s += later.covered_s
        for code, count in later.outcomes.items():
            self.outcomes[code] = self.outcomes.get(code, 0) + count
        self.processing.merge(later.processing)
        self.instances, self.in_flight, self.queued = later.instances, later.in_flight, later.queued

    def point(self, t_s: float) -> Point:
        """As the wire and the disk have it."""
        point = Point(
            t_s=t_s,
            covered_s=round(self.covered_s, 3),
            outcomes=[OutcomeCount(code=code, count=count) for code, count in sorted(self.outcomes.items())],
            instances=self.instances,
            in_flight=self.in_flight,
            queued=self.queued,
            vitals=self.vitals,
        )
        if self.processing.count:
            index, count = self.processing.lists()
            zero, sum_ns = self.processing.zero, self.processing.sum_ns
            point.processing.CopyFrom(Sketch(index=index, count=count, zero=zero, sum=sum_ns))
        return point

    @classmethod
    def of(cls, point: Point) -> Tally:
        """The reverse of `point`."""
        return cls(
            covered_s=point.covered_s,
            outcomes=counts_of(point.outcomes),
            processing=histogram_of(point.processing),
            instances=point.instances,
            in_flight=point.in_flight,
            queued=point.queued,
            vitals=point.vitals if point.HasField("vitals") else None,
        )


def counts_of(outcomes: Iterable[OutcomeCount]) -> dict[int, int]:
    """By code."""
    return {each.code: each.count for each in outcomes}


def histogram_of(sketch: Sketch) -> Histogram:
    """A crooked sketch (lists of different lengths) keeps what is parallel."""
    pairs = min(len(sketch.index), len(sketch.count))
    return Histogram.from_lists(sketch.index[:pairs], sketch.count[:pairs], sketch.zero, sketch.sum)


def _mean_vitals(one: Vitals | None, one_s: float, later: Vitals | None, later_s: float) -> Vitals | None:
    if one is None or later is None:
        return later or one
    mean = Vitals()
    mean.CopyFrom(later)
    mean.cpu_pct = _mean(one.cpu_pct, one_s, later.cpu_pct, later_s)
    mean.steal_pct = _mean(one.steal_pct, one_s, later.steal_pct, later_s)
    mean.load1 = _mean(one.load1, one_s, later.load1, later_s)
    mean.memory_available_bytes = round(_mean(one.memory_available_bytes, one_s, later.memory_available_bytes, later_s))
    mean.disk_available_bytes = round(_mean(one.disk_available_bytes, one_s, later.disk_available_bytes, later_s))
    return mean


def _mean(one: float, one_s: float, later: float, later_s: float) -> float:
    """Negative is unknown, and weighs nothing."""
    if one < 0 or later < 0 or one_s + later_s <= 0:
        return max(one, later)
    return (one * one_s + later * later_s) / (one_s + later_s)
