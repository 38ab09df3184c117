"""What hosts' agents answer at ``/history``, added up slot by slot: rates, times and failures by version, and CPU.

Pure. A slot that no host says anything of is unknown. Each host's points are counted once, however often they come.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.feed.histories import HOST, MOST, PACKAGE, parse_history, sketch_of
from h2o_core.errors import Code
from h2o_core.histogram import Histogram
from h2o_core.insights.counts import FAULTS
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_core.pb.host_pb2 import Point, Series as WireSeries

_LATE_SLOTS: Final = 3
"""A host whose newest point is so far behind the others' is not waited for."""
_MOST_VERSIONS: Final = 20
_OURS: Final = frozenset(code.value for code in Code if code.name in FAULTS)
_KEPT: Final = 10
"""Slots beyond the window that are kept: columns do not shimmer while they leave it."""


@dataclass(frozen=True, slots=True)
class Span:
    """How far back, and how finely: *slots* of *slot_s* seconds. `name` is what a person types."""

    name: str
    slot_s: int
    slots: int


HOUR: Final = Span("1h", 10, 360)
SPANS: Final[Mapping[str, Span]] = {
    one.name: one for one in (HOUR, Span("6h", 60, 360), Span("24h", 120, 720), Span("7d", 600, 1008))
}
"""Agents remember tens of seconds for an hour, and minutes, which they add up, for seven days."""


@dataclass(slots=True)
class Slot:
    """What happened in one slot, all hosts together."""

    per_s: float = 0.0
    requests: int = 0
    failed: int = 0
    sketch: Histogram = field(default_factory=Histogram)
    _p95_ms: float | None = None

    @property
    def p95_ms(self) -> float | None:
        """None where nothing was timed."""
        if self._p95_ms is None and self.sketch.count:
            self._p95_ms = self.sketch.quantile(0.95) / 1e6
        return self._p95_ms

    def count(self, point: Point, slot_s: float) -> None:
        """Add what another host, or another package, did."""
        requests = failed = 0
        for one in point.outcomes:
            if one.count < MOST:
                requests += one.count
                failed += one.count if one.code in _OURS else 0
        covered_s = point.covered_s
        self.per_s += requests / (covered_s if slot_s / 100 < covered_s < slot_s * 10 else slot_s)
        self.requests += requests
        self.failed += failed
        if point.HasField("processing"):
            more = sketch_of(point.processing)
            if self.sketch.count:
                self.sketch.merge(more)
            else:
                self.sketch = more
            self._p95_ms = None


@dataclass(slots=True)
class Series:
    """One version, or a whole host: what happened in each slot that something is known of."""

    slots: dict[int, Slot] = field(default_factory=dict[int, Slot])
    cpu_pct: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def rps(self) -> Mapping[int, float]:
        """Requests a second."""
        return {at: slot.per_s for at, slot in self.slots.items()}

    @property
    def p95_ms(self) -> Mapping[int, float]:
        """The 95th percentile; nothing where nothing was timed."""
        return {at: p95_ms for at, slot in self.slots.items() if (p95_ms := slot.p95_ms) is not None}

    @property
    def err_pct(self) -> Mapping[int, float]:
        """What failed by the package's or the platform's fault; nothing where there were no requests."""
        return {at: 100 * slot.failed / slot.requests for at, slot in self.slots.items() if slot.requests}

    def forget(self, until: int) -> bool:
        """Drop all slots up to that one; True when nothing is left."""
        for known in (self.slots, self.cpu_pct):
            for at in [at for at in known if at <= until]:
                del known[at]
        return not self.slots and not self.cpu_pct


class Past:
    """The past of a *package* by version; without one, of all that its hosts do together, under the version "".

    `missing`: hosts whose part is not in it, and why. `changed` is raised by every answer.
    """

    def __init__(self, package: str = "", span: Span = HOUR) -> None:
        self.package = package
        self.span = span
        self.versions: dict[str, Series] = {}
        self.missing: dict[str, str] = {}
        self.answered: set[str] = set()
        self.changed = 0
        self._newest: dict[str, int] = {}

    def since_s(self, host: str) -> float:
        """From when on *host* has more to say (Unix time); 0: from the beginning."""
        newest = self._newest.get(host)
        return 0.0 if newest is None else float((newest + 1) * self.span.slot_s)

    @property
    def newest(self) -> int | None:
        """The newest slot that all hosts have told of, but for those that are late."""
        if not self._newest:
            return None
        ahead = max(self._newest.values())
        return min(at for at in self._newest.values() if at >= ahead - _LATE_SLOTS)

    def fail(self, host: str, why: str) -> None:
        """It does not answer."""
        self.missing[host] = why
        self.changed += 1

    def put(self, host: str, body: bytes) -> None:
        """What *host* answered, a ``h2o.v1.History``; raises NoHistory."""
        history = parse_history(host, body, self.span.slot_s)
        self.missing.pop(host, None)
        self.answered.add(host)
        self.changed += 1
        before = newest = self._newest.get(host, -1)
        for wire in history.series:
            known = self._series_of(wire)
            if known is None:
                continue
            for at, point in self._points(wire, before):
                newest = max(newest, at)
                if wire.kind == PACKAGE:
                    known.slots.setdefault(at, Slot()).count(point, self.span.slot_s)
                elif 0 <= point.vitals.cpu_pct <= 100:
                    known.cpu_pct[at] = point.vitals.cpu_pct
        if newest >= 0:
            self._newest[host] = newest
        self._forget()

    def _series_of(self, wire: WireSeries) -> Series | None:
        """Where a series of the answer is counted; None: nowhere."""
        if wire.kind == HOST:
            return None if self.package else self.versions.setdefault("", Series())
        if wire.kind != PACKAGE or (self.package and shown(wire.package) != self.package):
            return None
        version = wire.version if self.package else ""
        if version not in self.versions and len(self.versions) >= _MOST_VERSIONS:
            return None
        return self.versions.setdefault(version, Series())

    def _points(self, wire: WireSeries, before: int) -> Iterator[tuple[int, Point]]:
        """Those that have not been counted yet, by their slot."""
        slot_s = self.span.slot_s
        for point in wire.points:
            if 0 <= point.t_s < 1e11 and (at := int(point.t_s // slot_s)) > before:
                yield at, point

    def _forget(self) -> None:
        newest = max(self._newest.values(), default=0)
        for version, series in list(self.versions.items()):
            if series.forget(newest - self.span.slots - _KEPT):
                del self.versions[version]
