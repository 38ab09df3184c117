"""A package's last hour, from what its hosts' agents answer at ``/history``: rates, times and failures by version.

Pure. A slot that no host says anything of is unknown. Each host's points are counted once, however often they come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast

from h2o_console.feed import answers
from h2o_console.rows.reasons import errors
from h2o_core.histogram import Histogram
from h2o_core.times import unix_s

SLOT_S: Final = 10.0
SLOTS: Final = 360
_MOST: Final = 1 << 53
_MOST_VERSIONS: Final = 20
_INDEXES: Final = range(-512, 2048)
"""Others would overflow when they become times (see `h2o_console.store.windows`)."""


@dataclass(slots=True)
class _Slot:
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

    def time(self, more: Histogram) -> None:
        """Count another host's times in."""
        self.sketch.merge(more)
        self._p95_ms = None


@dataclass(slots=True)
class Series:
    """One version: what happened in each slot that something is known of."""

    slots: dict[int, _Slot] = field(default_factory=dict[int, _Slot])

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


class Past:
    """`missing`: hosts whose part is not in it, and why. `changed` is raised by every answer."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.versions: dict[str, Series] = {}
        self.missing: dict[str, str] = {}
        self.answered: set[str] = set()
        self.changed = 0
        self._newest: dict[str, int] = {}

    def since_s(self, host: str) -> float:
        """From when on *host* has more to say (Unix time); 0: from the beginning."""
        newest = self._newest.get(host)
        return 0.0 if newest is None else (newest + 1) * SLOT_S

    @property
    def newest(self) -> int | None:
        """The newest slot that something is known of."""
        return max(self._newest.values(), default=None)

    def fail(self, host: str, why: str) -> None:
        """It does not answer."""
        self.missing[host] = why
        self.changed += 1

    def put(self, host: str, document: Mapping[str, Any]) -> None:
        """What *host* answered."""
        self.missing.pop(host, None)
        self.answered.add(host)
        self.changed += 1
        before = self._newest.get(host, -1)
        for series in answers.objects(document, "series"):
            if answers.text(series, "kind") != "package":
                continue
            if answers.text(series, "package").removeprefix("/") != self.package:
                continue
            version = answers.text(series, "version")
            if version not in self.versions and len(self.versions) >= _MOST_VERSIONS:
                continue
            known = self.versions.setdefault(version, Series())
            for point in answers.objects(series, "points"):
                at = _number_of(point)
                if at is not None and at > before:
                    _count(known.slots.setdefault(at, _Slot()), point)
                    self._newest[host] = max(self._newest.get(host, -1), at)
        self._forget()

    def _forget(self) -> None:
        newest = self.newest
        if newest is None:
            return
        for version, series in list(self.versions.items()):
            for at in [at for at in series.slots if at <= newest - SLOTS - 10]:
                del series.slots[at]
            if not series.slots:
                del self.versions[version]


def _number_of(point: Mapping[str, Any]) -> int | None:
    t_s = unix_s(answers.text(point, "t"))
    return None if t_s is None or not 0 <= t_s < 1e11 else int(t_s // SLOT_S)


def _count(slot: _Slot, point: Mapping[str, Any]) -> None:
    outcomes = {
        code: count
        for code, count in answers.table(point, "outcomes").items()
        if type(count) is int and 0 < count < _MOST
    }
    covered_s = answers.number(point, "covered_s") or SLOT_S
    requests = sum(outcomes.values())
    slot.per_s += requests / covered_s if 0.1 < covered_s < 100 else requests / SLOT_S
    slot.requests += requests
    slot.failed += errors(outcomes)
    slot.time(_sketch(answers.table(point, "sketch")))


def _sketch(table: Mapping[str, Any]) -> Histogram:
    made = Histogram()
    index, count = table.get("index"), table.get("count")
    if isinstance(index, list) and isinstance(count, list):
        pairs = zip(cast("list[Any]", index), cast("list[Any]", count), strict=False)
        made.buckets = {
            at: many
            for at, many in islice(pairs, len(_INDEXES))
            if type(at) is type(many) is int and at in _INDEXES and 0 < many < _MOST
        }
    made.zero = min(answers.whole(table, "zero") or 0, _MOST)
    return made
