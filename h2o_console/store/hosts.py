"""One host as the console knows it: its newest counters, how old they are, and what they add to the last reading.

Pure: the moment of an answer is an argument. A reading that cannot be compared with the one before (a broker
restarted, an instance is new) counts from zero when all of it happened while somebody watched, else not at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final, Protocol

from h2o_console.feed.counters import changed_parts, parse_part, parse_parts
from h2o_console.pb.lean_pb2 import Caller
from h2o_console.store.acquaintance import Acquaintance
from h2o_console.store.buckets import WINDOW_S, Outcomes, bucket_at
from h2o_console.store.members import Call, Member, listed_member
from h2o_console.store.pace import Between
from h2o_console.store.windows import Window, add_counts
from h2o_core.names import shown
from h2o_core.pb.host_pb2 import ChildReport, Vitals
from h2o_core.pb.stats_pb2 import PeerReport, QueueReport

if TYPE_CHECKING:
    from h2o_console.feed.answers import Host, Instance
    from h2o_console.pb.lean_pb2 import BrokerReport, HostStats, InstanceReport

_GRACE_S: Final = 2.0
_MISSED_POLLS: Final = 2.5
_BROKER: Final = "broker"
_MOST_PARTS: Final = 4096
"""Instances of a host, features of an instance, callers: a stranger's answer may have millions."""


def kept_windows(former: Mapping[tuple[str, str], list[Window]], now_s: float) -> dict[tuple[str, str], list[Window]]:
    """Those in which anything of the last minute is left."""
    kept = {key: [window for window in windows if window.outcomes(now_s)] for key, windows in former.items()}
    return {key: windows for key, windows in kept.items() if windows}


class Sink(Protocol):
    """Where what hosts count is added up."""

    def window_of(self, package: str, version: str, feature: str, /) -> Window:
        """All instances of a version together."""
        ...

    def window_of_call(self, caller: str, version: str, feature: str, /) -> Window:
        """All that a caller's version got from a feature, on whatever host."""
        ...


@dataclass(slots=True)
class HostRecord:
    """All that is known of one host. `fresh_s` is when its counters last moved on; `failed` why they don't.

    `about` is its newest answer, which may be without a report; `report` is the newest report.
    """

    name: str
    known_s: float
    number: int = 0
    """Its turn among the hosts, for what is not done for all of them at once."""
    timed_at: int = -1
    seen: Host | None = None
    about: HostStats | None = None
    report: BrokerReport | None = None
    fresh_s: float | None = None
    failed: str = ""
    answers: bool = False
    """Its agent has answered the last question, whatever it said."""
    interval_s: float = 1.0
    members: dict[str, Member] = field(default_factory=dict[str, Member])
    listed: dict[str, Instance] = field(default_factory=dict[str, "Instance"])
    packages: frozenset[str] = frozenset()
    """Those that run here, or should."""
    calls: dict[tuple[str, str, str], Call] = field(default_factory=dict[tuple[str, str, str], Call])
    vitals: Vitals | None = None
    version: int = 0
    """Raised by every answer."""
    counted_s: float | None = None
    """Since when its counters are counted."""
    register: Acquaintance = field(default_factory=Acquaintance)
    former: dict[tuple[str, str], list[Window]] = field(default_factory=dict[tuple[str, str], list[Window]])
    """Package and version → what instances counted that are gone, and what was counted before anybody watched."""
    broker_crashes: int = 0
    """How often its broker has died in a row, while it does so again and again."""
    queued: dict[str, int] = field(default_factory=dict[str, int])
    """Instance → its share of what waits for its version, so that the shares add up to what waits."""
    called: Outcomes = field(default_factory=Outcomes)
    """What callers here got."""
    _links: tuple[int, int] = (0, 0)
    _links_for: int = -1
    _clock_s: float | None = None
    _children: tuple[Member, ...] = ()
    _by_package: dict[str, list[Member]] = field(default_factory=dict[str, list[Member]])
    _raw_calls: list[bytes] = field(default_factory=list[bytes])
    _raw_queues: list[bytes] = field(default_factory=list[bytes])

    def age_s(self, now_s: float) -> float | None:
        """How old its counters are; None when none ever came."""
        return None if self.fresh_s is None else max(0.0, now_s - self.fresh_s)

    def clock_s(self, now_s: float) -> float | None:
        """What its broker's clock shows now (unix), from its last answer; None when none ever came."""
        return None if self._clock_s is None else self._clock_s + now_s

    def silent(self, now_s: float) -> bool:
        """Its counters are too old to show as the present."""
        if self.fresh_s is None and self.failed:
            return True
        since_s = self.known_s if self.fresh_s is None else self.fresh_s
        return now_s - since_s > self.interval_s * _MISSED_POLLS + _GRACE_S

    def of(self, package: str, *, silent: bool) -> list[Member]:
        """The package's instances here; while the host says nothing itself (*silent*), those that brokers list."""
        members = self._by_package.get(package, [])
        if self.report is not None and not silent:
            return members
        unheard = (one for one in self.listed.values() if one.package == package and one.id not in self.members)
        return members + [listed_member(instance) for instance in unheard]

    def everything(self, now_s: float) -> Iterator[Member]:
        """All instances and children here."""
        yield from self.members.values()
        yield from self._children
        if self.report is None or self.silent(now_s):
            yield from (listed_member(one) for one in self.listed.values() if one.id not in self.members)

    def list_instances(self, instances: Iterable[Instance], now_s: float) -> None:
        """What the brokers' picture says runs here."""
        listed = {instance.id: instance for instance in instances if instance.id}
        self.register.lists(listed.keys(), now_s)
        for key in listed.keys() | self.listed.keys():
            if key in self.members and listed.get(key) != self.listed.get(key):
                self.members[key].view = None
        self.listed = listed
        self._index()

    # readings

    def read(self, stats: HostStats, now_s: float, sink: Sink) -> None:
        """Take an answer in, and count into *sink*'s windows what it adds to the reading before.

        One that is no newer adds nothing. Only outcomes are counted: the times wait for `time_all`.
        """
        self.version += 1
        self.about, self.answers = stats, True
        self.vitals = parse_part(Vitals, stats.vitals) if stats.HasField("vitals") else None
        if stats.HasField("report"):
            if self.report is None or _moment(self.report) != _moment(stats.report):
                self._count(stats.report, now_s, sink)
            self.failed = ""
        else:
            self.failed = stats.broker_problem or "its broker tells nothing"
        self._read_children(stats.children[:_MOST_PARTS])
        self._index()

    def _count(self, report: BrokerReport, now_s: float, sink: Sink) -> None:
        span = _Span.between(self.report, report, self, now_s)
        members: dict[str, Member] = {}
        if not span.same_broker:
            self.queued = {}
        since = span.since(span.start(None))
        for one in islice(report.instances, _MOST_PARTS):
            known = self.members.get(one.instance) if span.same_broker else None
            member = known or self._member(one)
            counted = since if known else span.since(span.start(one.started_s))
            member.read(one, one.features[:_MOST_PARTS], counted, span.bucket, sink.window_of)
            members[one.instance] = member
        self._part_with([member for member in self.members.values() if members.get(member.id) is not member], now_s)
        self.members = members
        if self.counted_s is None:
            self.counted_s = now_s
        self._read_calls(report, span, sink)
        self.report, self.fresh_s, self._clock_s = report, now_s, report.now_s - now_s
        self._share_queues(report)

    def _part_with(self, gone: Iterable[Member], now_s: float) -> None:
        """What they counted in the last minute was counted."""
        self.former = kept_windows(self.former, now_s)
        for member in gone:
            self.register.lost(member.id, now_s)
            self.former.setdefault((member.package, member.version), []).append(member.window)

    def _share_queues(self, report: BrokerReport) -> None:
        before, self._raw_queues = self._raw_queues, report.queues[:_MOST_PARTS]
        if before == self._raw_queues and self.queued.keys() == self.members.keys():
            return
        self.queued = dict.fromkeys(self.members, 0)
        for queue in parse_parts(QueueReport, self._raw_queues):
            if queue.queued:
                version = shown(queue.package), queue.version
                ids = sorted(one.id for one in self.members.values() if (one.package, one.version) == version)
                for at, one in enumerate(ids):
                    self.queued[one] = queue.queued // len(ids) + (at < queue.queued % len(ids))

    def _member(self, one: InstanceReport) -> Member:
        zone = self.about.zone if self.about is not None else ""
        return Member(one.instance, shown(one.package), one.version, self.name, zone)

    def _read_calls(self, report: BrokerReport, span: _Span, sink: Sink) -> None:
        if not span.same_broker:
            self.calls, self._raw_calls = {}, []
        counting = span.same_broker or span.start(None) is not None
        before, self._raw_calls = self._raw_calls, report.callers[:_MOST_PARTS]
        more: dict[str, int] = {}
        for raw in changed_parts(before, self._raw_calls):
            part = parse_part(Caller, raw)
            key = shown(part.caller), part.version, shown(part.feature)
            call = self.calls.get(key)
            if call is None:
                call = self.calls[key] = Call(*key, sink.window_of_call(*key))
            call.breaches.read(part.breaches, span.now_s, counting=counting)
            if counting:
                add_counts(more, call.read(part, raw, span.bucket))
            else:
                call.take_as_base(part, raw)
        if more:
            self.called.add_outcomes(span.bucket, more)

    def still(self, now_s: float) -> None:
        """Its agent says that nothing has happened since the last reading."""
        if self.report is None or self.fresh_s is None:
            return
        since = Between(self.fresh_s, now_s)
        for member in self.members.values():
            member.pace.add(since, 0)
            member.view = member.rps = None
        self.version += 1
        self.fresh_s, self.failed = now_s, ""

    def time_all(self, now_s: float, *, calls: bool) -> None:
        """Count the times that `read` has put off."""
        bucket = bucket_at(now_s)
        for member in self.members.values():
            member.time(bucket)
        for call in self.calls.values() if calls else ():
            call.time(bucket)

    def links(self) -> tuple[int, int]:
        """(its links to other hosts, how many of them are not up), by its last answer."""
        if self._links_for != self.version and self.report is not None:
            states = [peer.state for peer in parse_parts(PeerReport, islice(self.report.peers, _MOST_PARTS))]
            self._links, self._links_for = (len(states), len(states) - states.count("up")), self.version
        return self._links

    # children

    def _read_children(self, raw: Sequence[bytes]) -> None:
        """Which of them are instances, and which have not registered."""
        by_launch = {member.launch: member for member in self.members.values() if member.launch}
        alone: list[Member] = []
        self.broker_crashes = 0
        for member in self.members.values():
            member.child = None
        for child in parse_parts(ChildReport, raw):
            member = by_launch.get(child.launch) if child.launch else None
            if member is not None:
                member.child, member.view = child, None
            elif child.key != _BROKER:
                made = Member("", shown(child.package), "", self.name, self.about.zone if self.about else "")
                made.child = child
                alone.append(made)
            elif child.crash_loops:
                self.broker_crashes = child.failures
        self._children = tuple(alone)

    def children(self) -> Iterator[tuple[ChildReport, bool]]:
        """What its agent supervises, without the broker, and whether it has become an instance."""
        for member in (*self.members.values(), *self._children):
            if member.child is not None:
                yield member.child, bool(member.id)

    def _index(self) -> None:
        self._by_package = {}
        for member in (*self.members.values(), *self._children):
            self._by_package.setdefault(member.package, []).append(member)
        listed = {instance.package for instance in self.listed.values()}
        self.packages = frozenset(self._by_package.keys() | listed)


@dataclass(frozen=True, slots=True)
class _Span:
    """The time between two readings of a host, told by its own clock."""

    same_broker: bool
    watched: bool
    now_s: float
    bucket: int
    length_s: float
    clock_s: float
    broker_age_s: float

    @staticmethod
    def between(before: BrokerReport | None, report: BrokerReport, record: HostRecord, now_s: float) -> _Span:
        here_s = now_s - record.fresh_s if record.fresh_s is not None else WINDOW_S
        there_s = here_s
        clock_s = record.clock_s(record.fresh_s) if record.fresh_s is not None else None
        if clock_s is not None:
            stepped = report.now_s - clock_s
            there_s = stepped if 0 < stepped < 10 * here_s + 5 else here_s
        return _Span(
            same_broker=before is not None and before.incarnation == report.incarnation,
            watched=before is not None,
            now_s=now_s,
            bucket=bucket_at(now_s),
            length_s=there_s,
            clock_s=report.now_s,
            broker_age_s=report.now_s - report.started_s,
        )

    def since(self, from_s: float | None) -> Between | None:
        """From then until now, on our clock."""
        return None if from_s is None else Between(from_s, self.now_s)

    def start(self, instance_started_s: float | None) -> float | None:
        """When counting began, on our clock: for a known instance (None) at the last reading, else at its start.

        None: it began before anybody watched, or longer ago than the window, so the counters are a base only.
        """
        ages_s = [self.length_s] if self.watched else []
        if instance_started_s is not None or not self.same_broker:
            ages_s.append(self.broker_age_s)
        if instance_started_s is not None:
            ages_s.append(self.clock_s - instance_started_s)
        youngest_s = min((age_s for age_s in ages_s if age_s >= 0), default=WINDOW_S)
        return self.now_s - youngest_s if youngest_s < WINDOW_S else None


def _moment(report: BrokerReport) -> tuple[int, float]:
    return report.incarnation, report.now_s
