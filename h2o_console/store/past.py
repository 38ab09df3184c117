"""What versions did in the last quarter of an hour, minute by minute, and how many instances there were. Pure.

It is what the last minute is compared with: what was watched, and before that what hosts remember (`recalled.py`).
Bounded: a minute is one sketch a version, over all hosts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.store.recalled import SLOT_S, Recalled, Version
from h2o_console.store.windows import Tally, add_counts
from h2o_core.insights.counts import Counts

if TYPE_CHECKING:
    from h2o_console.feed.histories import Remembered
    from h2o_core.histogram import Histogram
    from h2o_core.insights.picture import Instance

MINUTE_S: Final = 60.0
PAST_S: Final = 900.0
BEFORE_S: Final = 180.0
"""What is older than this is what the last minute is compared with."""


class Past:
    """Minutes are numbered on the store's clock."""

    def __init__(self) -> None:
        self._counted: defaultdict[int, dict[Version, Tally]] = defaultdict(dict)
        self._ready: defaultdict[int, dict[str, int]] = defaultdict(dict)
        self._recalled = Recalled()
        self._began_s: float | None = None
        self._sampled_s: float | None = None
        self._known: tuple[int, int, Mapping[Version, Counts]] | None = None

    def sample(self, versions: Iterable[tuple[Version, Counts]], ready: Mapping[str, int], now_s: float) -> None:
        """Take in the last minute, once it has passed since the last time; *ready*: package → instances now."""
        minute = int(now_s // MINUTE_S)
        most = self._ready[minute]
        for package, count in ready.items():
            most[package] = max(count, most.get(package, 0))
        if self._began_s is None or self._sampled_s is None:
            self._began_s = self._sampled_s = now_s
        if now_s - self._sampled_s < MINUTE_S:
            return
        self._sampled_s = now_s
        for version, counts in versions:
            self.add(minute - 1, version, counts.outcomes, counts.times)
        self._forget(now_s)

    def add(self, minute: int, version: Version, outcomes: Mapping[str, int], times: Histogram) -> None:
        """So much was counted in that minute, somewhere."""
        tally = self._counted[minute].setdefault(version, Tally())
        add_counts(tally.outcomes, outcomes)
        tally.sketch.merge(times)
        self._known = None

    def recall(self, host: str, told: Iterable[Remembered], now_s: float) -> None:
        """What *host* remembers of the time before; the first time that it tells of it counts."""
        self._recalled.put(host, told, now_s)
        self._known = None

    def reaches(self, now_s: float) -> bool:
        """Far enough back: somebody has told of it, or it was watched for so long."""
        watched = self._began_s is not None and now_s - self._began_s >= BEFORE_S + MINUTE_S
        return watched or bool(self._recalled)

    def before(self, now_s: float, instances: Iterable[Instance] = ()) -> Mapping[Version, Counts]:
        """What each version counted more than three minutes ago; empty while nothing is known of that time.

        *instances* that run now say which hosts have to remember a package.
        """
        first, last = int((now_s - PAST_S) // MINUTE_S) + 1, int((now_s - BEFORE_S) // MINUTE_S) - 1
        if self._known is None or self._known[:2] != (first, last):
            self._known = first, last, self._added_up(first, last, _homes(instances))
        return self._known[2]

    def _added_up(self, first: int, last: int, homes: Mapping[str, set[str]]) -> Mapping[Version, Counts]:
        watched = [counted for minute, counted in self._counted.items() if first <= minute <= last]
        told = list(self._recalled.within(first * MINUTE_S, (last + 1) * MINUTE_S, homes))
        whole: defaultdict[Version, Tally] = defaultdict(Tally)
        for counted in (*watched, *told):
            for version, tally in counted.items():
                whole[version].add(tally)
        span_s = len(watched) * MINUTE_S + len(told) * SLOT_S
        return {version: Counts(tally.outcomes, tally.sketch, span_s) for version, tally in whole.items()}

    def peaks(self) -> dict[str, int]:
        """Package → the most that were ready at one time."""
        most: dict[str, int] = {}
        for counts in (*self._ready.values(), *self._recalled.peaks()):
            for package, count in counts.items():
                most[package] = max(count, most.get(package, 0))
        return most

    def _forget(self, now_s: float) -> None:
        oldest = int((now_s - PAST_S) // MINUTE_S)
        for kept in (self._counted, self._ready):
            for minute in [minute for minute in kept if minute < oldest]:
                del kept[minute]
        self._recalled.forget(now_s - PAST_S)


def _homes(instances: Iterable[Instance]) -> Mapping[str, set[str]]:
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for one in instances:
        homes[one.package].add(one.host)
    return homes
