"""A package as the store knows it → its part of the picture that insights are drawn from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.store.windows import add_counts
from h2o_core.histogram import Histogram
from h2o_core.insights.counts import Counts
from h2o_core.insights.picture import Measured
from h2o_core.insights.reports import full

if TYPE_CHECKING:
    from h2o_console.store.packages import PackageRecord


@dataclass(frozen=True, slots=True)
class PackagePart:
    """Its features over all hosts, and each version's last minute."""

    package: str
    measured: tuple[Measured, ...]
    versions: Mapping[str, Counts]


def package_part(record: PackageRecord, over_s: float, now_s: float) -> PackagePart:
    """What was counted of it in the last minute, of which windows have *over_s* seconds."""
    measured: list[Measured] = []
    outcomes: dict[str, dict[str, int]] = {}
    times: dict[str, Histogram] = {}
    for (version, feature), window in record.features.items():
        counted = window.outcomes(now_s)
        if not counted:
            continue
        counts = Counts(counted, window.sketch(now_s), over_s)
        add_counts(outcomes.setdefault(version, {}), counted)
        times.setdefault(version, Histogram()).merge(counts.times)
        promise = record.promises.get((version, feature))
        if promise is not None:
            measured.append(Measured(full(feature), version, "", counts, promise.mean_ms, promise.upper95_ms))
    versions = {version: Counts(counted, times[version], over_s) for version, counted in outcomes.items()}
    return PackagePart(full(record.name), tuple(measured), versions)
