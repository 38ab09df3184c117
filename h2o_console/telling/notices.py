"""What somebody is to be told of findings: which have opened, got worse, or closed, since they were told last. Pure.

It goes by what stands open, not by events in a queue: whoever could not be told for an hour is told how it is then, and
nothing is told twice. So as many wait at most as are open.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from h2o_core.insights.finding import Severity

SETTLES_S: Final = 5.0
"""A cause is told when it has been one for so long: symptoms are often seen a moment before what explains them."""
WELL_KNOWN_S: Final = 60.0
"""Whoever has looked for less does not know yet that something has closed: a minute is what is looked at."""
MOST: Final = 1000
"""Findings that are open for one channel at a time; more than that are counted, and told when others have closed."""


class Event(StrEnum):
    """What has happened to a finding."""

    OPENED = "opened"
    WORSE = "worse"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Facts:
    """A cause as it is told. `subject`: as JSON has it; `name` as people say it. `since_s`: Unix time.

    `command` mends it or looks closer, "" when there is none. `owner` looks after it, "" nobody.
    """

    fleet: str
    id: str
    kind: str
    name: str
    subject: Mapping[str, str]
    severity: Severity
    sentence: str
    since_s: float
    hurt_per_s: float = 0.0
    explains: int = 0
    command: str = ""
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to be told. `facts` of a finding that has closed are those that were told last."""

    event: Event
    facts: Facts
    at_s: float


@dataclass(slots=True)
class Ledger:
    """What one channel has been told is open (`told`), and what it is to be told (`waiting`), each by a finding's id.

    `passed`: came and went before it could be told. `crowded`: were too many at the last look.
    """

    told: dict[str, Facts] = field(default_factory=dict[str, Facts])
    waiting: dict[str, Notice] = field(default_factory=dict[str, Notice])
    passed: int = 0
    crowded: int = 0
    _causes: dict[str, float] = field(default_factory=dict[str, float])
    _failures: dict[str, int] = field(default_factory=dict[str, int])
    _began_s: float | None = None

    def see(self, causes: Mapping[str, Facts], open_ids: Collection[str], now_s: float) -> None:
        """Compare with how it is now.

        *causes*: what is to be told of, by id, without what is muted or not severe enough; *open_ids*: of everything
        that is open at all. *now_s*: Unix time.
        """
        began_s = self._began_s = now_s if self._began_s is None else self._began_s
        self._causes = {each: self._causes.get(each, now_s) for each in causes}
        self._failures = {each: count for each, count in self._failures.items() if each in self.waiting}
        self.crowded = 0
        for each, notice in list(self.waiting.items()):
            if notice.event is Event.CLOSED:
                if each in open_ids:
                    del self.waiting[each]
            elif each not in causes:  # muted, explained by another, or over
                del self.waiting[each]
                self.passed += notice.event is Event.OPENED and each not in open_ids
        for each, facts in causes.items():
            if now_s - self._causes[each] >= SETTLES_S:
                self._stands(facts, now_s)
        if now_s - began_s >= WELL_KNOWN_S:
            for each in self.told.keys() - set(open_ids) - self.waiting.keys():
                self.waiting[each] = Notice(Event.CLOSED, self.told[each], now_s)

    def _stands(self, facts: Facts, now_s: float) -> None:
        before, there = self.told.get(facts.id), self.waiting.get(facts.id)
        if before is not None and facts.severity <= before.severity:
            return
        if before is None and there is None and len(self.told.keys() | self.waiting.keys()) >= MOST:
            self.crowded += 1
            return
        event = Event.OPENED if before is None else Event.WORSE
        self.waiting[facts.id] = Notice(event, facts, now_s if there is None else there.at_s)

    def next(self) -> Notice | None:
        """What is to be told first: what failed least often, of these the most severe, then what waits longest."""

        def order(one: Notice) -> tuple[int, int, float]:
            return self._failures.get(one.facts.id, 0), -one.facts.severity, one.at_s

        return min(self.waiting.values(), key=order, default=None)

    def failed(self, notice: Notice) -> None:
        """It could not be told: the others come first now, for it may be this one that is not taken."""
        self._failures[notice.facts.id] = self._failures.get(notice.facts.id, 0) + 1

    def done(self, notice: Notice) -> None:
        """It has been told, or will never be taken; it may have changed while that went on."""
        facts = notice.facts
        self._failures.pop(facts.id, None)
        if notice.event is Event.CLOSED:
            self.told.pop(facts.id, None)
        else:
            self.told[facts.id] = facts
        there = self.waiting.get(facts.id)
        if there is None:
            return
        if there.event is not Event.CLOSED and there.facts.severity > facts.severity:
            self.waiting[facts.id] = replace(there, event=Event.WORSE)
        elif (there.event is Event.CLOSED) == (notice.event is Event.CLOSED):
            del self.waiting[facts.id]
