"""Counts as a report carries them: outcomes by code, durations as a sketch. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.histogram import Histogram


def outcomes_of(counts: Iterable[int]) -> list[OutcomeCount]:
    """*counts* by code; only those that came."""
    return [OutcomeCount(code=code, count=count) for code, count in enumerate(counts) if count]


def sketch_of(histogram: Histogram) -> Sketch:
    """A histogram as the wire carries it."""
    index, count = histogram.lists()
    return Sketch(index=index, count=count, zero=histogram.zero, sum=histogram.sum_ns)
