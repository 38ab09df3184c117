"""A feature against its author's promise: its mean, and what 95 of 100 requests take at the most. Pure."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Final

from h2o_core.figures import millis, ms
from h2o_core.histogram import middle_ns
from h2o_core.insights import actions
from h2o_core.insights.comparing import FEWEST, STAYS
from h2o_core.insights.counts import Counts, longer_than, mean_ns, quantile, reaches, together
from h2o_core.insights.finding import Evidence, Finding, Kind, Severity, Subject, Trouble
from h2o_core.insights.ranked import Ranked
from h2o_core.insights.sums import grouped
from h2o_core.names import package_of, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from h2o_core.histogram import Histogram
    from h2o_core.insights.picture import Measured
    from h2o_core.insights.sums import Sums

SLACK: Final = 1.1
"""The sketch is wrong by 1.1 % at most; a tenth above the promise is no rounding."""
_SURELY: Final = 3.3
_NS: Final = 1e6
_STAYS_ABOVE: Final = 1 + (SLACK - 1) * STAYS * 0.99
"""Times the promise: what is below that is surely none; a hundredth for what floats round."""


def find(sums: Sums) -> Iterator[Finding]:
    """By feature and version, over all hosts that speak."""
    known = (one for one in sums.picture.measured if one.host not in sums.silent)
    for (feature, version), rows in grouped(known, lambda one: (one.feature, one.version)).items():
        yield from _of(feature, version, rows)


def _of(feature: str, version: str, rows: Sequence[Measured]) -> Iterator[Finding]:
    now = together(row.now for row in rows)
    if now.times.count < FEWEST:
        return
    broken = [one for one in (_upper95(now, rows), _mean(now, rows)) if one is not None]
    if not broken:
        return
    strength, words, evidence, limit_ns = max(broken, key=lambda one: one[0])
    hurt = max(0.0, longer_than(now.times, limit_ns) - (0.05 if evidence.name == "p95 duration" else 0.0)) * now.per_s
    yield Finding(
        Kind.PROMISE,
        Subject(package_of(feature), version, feature=feature),
        Severity.TICKET,
        f"{shown(feature)} {version} does not keep its promise: {words}",
        (evidence,),
        hurt,
        Trouble.SLOW,
        actions.look("h2o stats --by host --window 10s {}", feature, sentence="see where"),
        strength,
    )


_Broken = tuple[float, str, Evidence, float]
"""Strength, words, evidence, and the duration (ns) above which a request is hurt."""


def _upper95(now: Counts, rows: Sequence[Measured]) -> _Broken | None:
    promised = max((row.upper95_ms or 0.0 for row in rows), default=0.0) * _NS
    if promised <= 0 or not reaches(now.timed, 0.95, promised * _STAYS_ABOVE):
        return None
    measured = quantile(Ranked(now.times), 0.95)
    if measured is None:
        return None
    strength = _strength(measured.low_ns, promised)
    evidence = Evidence("p95 duration", ms(measured.ns), "ms", ms(promised), now.span_s, now.times.count)
    words = f"p95 {millis(measured.ns)}, promised {millis(promised)}"
    return (strength, words, evidence, promised) if strength >= STAYS else None


def _mean(now: Counts, rows: Sequence[Measured]) -> _Broken | None:
    promised = max((row.mean_ms or 0.0 for row in rows), default=0.0) * _NS
    measured = mean_ns(now.times)
    if promised <= 0 or measured is None or measured < promised * _STAYS_ABOVE:
        return None
    strength = _strength(measured - _SURELY * _error_ns(now.times, measured), promised)
    evidence = Evidence("mean duration", ms(measured), "ms", ms(promised), now.span_s, now.times.count)
    words = f"mean {millis(measured)}, promised {millis(promised)}"
    return (strength, words, evidence, promised * SLACK * 2) if strength >= STAYS else None


def _strength(low_ns: float, promised_ns: float) -> float:
    """1.0 where it is surely a tenth above; half of that tenth is where it stops being open."""
    return (low_ns / promised_ns - 1) / (SLACK - 1)


def _error_ns(times: Histogram, mean: float) -> float:
    """The mean's standard error, from the buckets."""
    squares = sum(count * (middle_ns(at) - mean) ** 2 for at, count in times.buckets.items())
    return sqrt(squares / times.count) / sqrt(times.count)
