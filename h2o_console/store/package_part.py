"""A package as the store knows it → its part of the picture that insights are drawn from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from h2o_core.insights.counts import Counts, together
from h2o_core.insights.picture import Measured
from h2o_core.insights.reports import full
from h2o_core.insights.sums import grouped

if TYPE_CHECKING:
    from h2o_console.store.packages import PackageRecord


@dataclass(frozen=True, slots=True)
class PackagePart:
    """Its features over all hosts: those that promise something, and each with its version."""

    package: str
    measured: tuple[Measured, ...]
    counted: tuple[tuple[str, Counts], ...]

    def versions(self) -> Mapping[str, Counts]:
        """Each version's last minute."""
        by_version = grouped(self.counted, itemgetter(0))
        return {version: together(counts for _, counts in each) for version, each in by_version.items()}


def package_part(record: PackageRecord, over_s: float, now_s: float) -> PackagePart:
    """What was counted of it in the last minute, of which windows have *over_s* seconds."""
    measured: list[Measured] = []
    every: list[tuple[str, Counts]] = []
    for (version, feature), window in record.features.items():
        outcomes = window.outcomes(now_s)
        if not outcomes:
            continue
        counts = Counts(outcomes, window.sketch(now_s), over_s)
        every.append((version, counts))
        promise = record.promises.get((version, feature))
        if promise is not None:
            measured.append(Measured(full(feature), version, "", counts, promise.mean_ms, promise.upper95_ms))
    return PackagePart(full(record.name), tuple(measured), tuple(every))
