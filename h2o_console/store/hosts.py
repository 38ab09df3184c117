"""One host as the console knows it: its newest counters, how old they are, and what they add to the last reading.

Pure: the moment of an answer is an argument. A reading that cannot be compared with the one before (a broker
restarted, an instance is new) counts from zero when all of it happened while somebody watched, else not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_console.feed.counters import NO_SKETCH, CallerCounts, EndpointCounts, InstanceCounts, StatsAnswer
from h2o_console.store.windows import WINDOW_S, CounterReset, Pace, Tally, Window, difference
from h2o_core.names import package_of, shown

if TYPE_CHECKING:
    from h2o_console.feed.answers import Host, Instance

_GRACE_S: Final = 2.0
_MISSED_POLLS: Final = 2.5


@dataclass(slots=True)
class Member:
    """One instance: its newest counters (None: only listed, not counted), its pace and its last minute."""

    id: str
    package: str
    version: str
    host: str
    zone: str
    counts: InstanceCounts | None = None
    listed: Instance | None = None  # without counters of its own: as the broker or the agent lists it
    pace: Pace = field(default_factory=Pace)
    window: Window = field(default_factory=Window)


@dataclass(frozen=True, slots=True)
class Counted:
    """What a reading added, at the destination (`version` is set) or at the origin (it is "")."""

    package: str
    version: str
    feature: str
    tally: Tally


@dataclass(slots=True)
class HostRecord:
    """All that is known of one host. `fresh_s` is when its counters last moved on; `failed` why they don't."""

    name: str
    known_s: float
    seen: Host | None = None
    answer: StatsAnswer | None = None
    fresh_s: float | None = None
    failed: str = ""
    interval_s: float = 1.0
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    listed: dict[str, Instance] = field(default_factory=dict[str, "Instance"])
    _children: tuple[Member, ...] = ()
    _by_package: dict[str, list[Member]] = field(default_factory=dict[str, list[Member]])

    def age_s(self, now_s: float) -> float | None:
        """How old its counters are; None when none ever came."""
        return None if self.fresh_s is None else max(0.0, now_s - self.fresh_s)

    def silent(self, now_s: float) -> bool:
        """Its counters are too old to show as the present."""
        if self.fresh_s is None and self.failed:
            return True
        since_s = self.known_s if self.fresh_s is None else self.fresh_s
        return now_s - since_s > self.interval_s * _MISSED_POLLS + _GRACE_S

    def packages(self) -> set[str]:
        """Packages that run here, or should."""
        return set(self._by_package).union(instance.package for instance in self.listed.values())

    def of(self, package: str, now_s: float) -> list[Member]:
        """The package's instances here; while the host says nothing itself, those that brokers list."""
        members = self._by_package.get(package, [])
        if self.answer is not None and not self.silent(now_s):
            return members
        unheard = (one for one in self.listed.values() if one.package == package and one.id not in self.members)
        return members + [_listed(instance) for instance in unheard]

    def list_instances(self, instances: Iterable[Instance]) -> None:
        """What the brokers' picture says runs here."""
        self.listed = {instance.id: instance for instance in instances if instance.id}

    def put_children(self, instances: Iterable[Instance]) -> None:
        """What the agent supervises here and what has not registered: it starts, or backs off."""
        self._children = tuple(_listed(one) for one in instances if not one.id and one.host == self.name)
        self._index()

    def _index(self) -> None:
        self._by_package = {}
        for member in (*self.members.values(), *self._children):
            self._by_package.setdefault(member.package, []).append(member)

    def read(self, answer: StatsAnswer, now_s: float) -> list[Counted]:
        """Take *answer* in; what it adds to the reading before. An answer that is no newer changes nothing."""
        before = self.answer
        if before is not None and answer.as_of_s is not None and _moment(before) == _moment(answer):
            return []
        span = _Span.between(before, answer, self.fresh_s, now_s)
        counted = [*self._instances(before, answer, span), *_callers(before, answer, span)]
        self.answer, self.fresh_s = answer, now_s
        self._index()
        return counted

    def _instances(self, before: StatsAnswer | None, answer: StatsAnswer, span: _Span) -> Iterator[Counted]:
        known = {instance.id: instance for instance in before.instances} if before and span.same_broker else {}
        members: dict[str, Member] = {}
        for counts in answer.instances:
            member = self.members.get(counts.id) or Member(
                counts.id, counts.package, counts.version, self.name, counts.zone
            )
            members[counts.id] = member
            member.counts = counts
            earlier = known.get(counts.id)
            from_s = span.start(None if earlier else counts.started_s)
            if from_s is not None:
                yield from _added(member, earlier, counts, (from_s, span.now_s))
        self.members = members


def _listed(instance: Instance) -> Member:
    return Member(instance.id, instance.package, instance.version, instance.host, instance.zone, listed=instance)


@dataclass(frozen=True, slots=True)
class _Span:
    """The time between two readings of a host, told by its own clock."""

    same_broker: bool
    watched: bool
    now_s: float
    length_s: float
    clock_s: float | None
    broker_age_s: float | None

    @staticmethod
    def between(before: StatsAnswer | None, answer: StatsAnswer, fresh_s: float | None, now_s: float) -> _Span:
        here_s = now_s - fresh_s if fresh_s is not None else WINDOW_S
        there_s = here_s
        if before is not None and before.as_of_s is not None and answer.as_of_s is not None:
            stepped = answer.as_of_s - before.as_of_s
            there_s = stepped if 0 < stepped < 10 * here_s + 5 else here_s
        started = answer.broker_started_s
        return _Span(
            same_broker=before is not None and before.incarnation == answer.incarnation,
            watched=before is not None,
            now_s=now_s,
            length_s=there_s,
            clock_s=answer.as_of_s,
            broker_age_s=answer.as_of_s - started if answer.as_of_s is not None and started is not None else None,
        )

    def start(self, instance_started_s: float | None) -> float | None:
        """When counting began, on our clock: for a known instance (None) at the last reading, else at its start.

        None: it began before anybody watched, or longer ago than the window, so the counters are a base only.
        """
        ages_s = [self.length_s] if self.watched else []
        if instance_started_s is not None or not self.same_broker:
            ages_s += [age_s for age_s in (self.broker_age_s, self._age_s(instance_started_s)) if age_s is not None]
        youngest_s = min((age_s for age_s in ages_s if age_s >= 0), default=WINDOW_S)
        return self.now_s - youngest_s if youngest_s < WINDOW_S else None

    def _age_s(self, started_s: float | None) -> float | None:
        return None if started_s is None or self.clock_s is None else self.clock_s - started_s


def _added(
    member: Member, earlier: InstanceCounts | None, counts: InstanceCounts, span_s: tuple[float, float]
) -> Iterator[Counted]:
    requests = 0
    for feature, endpoint in counts.endpoints.items():
        try:
            tally = difference(earlier.endpoints.get(feature) if earlier else None, endpoint)
        except CounterReset:
            continue
        if tally is not None:
            requests += tally.requests
            member.window.add(span_s[1], tally)
            yield Counted(member.package, member.version, feature, tally)
    member.pace.add(*span_s, requests)


def _callers(before: StatsAnswer | None, answer: StatsAnswer, span: _Span) -> Iterator[Counted]:
    known = {_caller_key(entry): entry for entry in before.callers} if before and span.same_broker else {}
    if not span.same_broker and span.start(None) is None:
        return
    for entry in answer.callers:
        earlier = known.get(_caller_key(entry))
        base = EndpointCounts(entry.feature, earlier.outcomes, NO_SKETCH) if earlier else None
        try:
            tally = difference(base, EndpointCounts(entry.feature, entry.outcomes, NO_SKETCH))
        except CounterReset:
            continue
        if tally is not None:
            yield Counted(shown(package_of("/" + entry.feature)), "", entry.feature, tally)


def _moment(answer: StatsAnswer) -> tuple[str, float | None]:
    return answer.incarnation, answer.as_of_s


def _caller_key(entry: CallerCounts) -> tuple[str, str, str]:
    return entry.caller, entry.version, entry.feature
