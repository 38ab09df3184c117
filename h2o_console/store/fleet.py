"""The console's one store: agents' answers go in with the moment they came, views and what changed come out.

It holds no clock and no socket: `h2o_console.feed.poller` feeds it, screens read it, each from a thread of its own, so
one lock goes around everything. ``now_s`` is one monotonic clock; hosts' own clocks (`as_of`) are only ever compared
with themselves, so skew does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from threading import RLock
from typing import TYPE_CHECKING, Concatenate, Final, NamedTuple, ParamSpec, TypeVar

from h2o_console.feed.counters import known
from h2o_console.store.buckets import BUCKET_S
from h2o_console.store.calls import Calls
from h2o_console.store.epochs import Epochs
from h2o_console.store.hosts import HostRecord
from h2o_console.store.instances import Here, counted, instance_detail, instance_view
from h2o_console.store.pace import line_of
from h2o_console.store.package_part import package_part
from h2o_console.store.packages import PackageRecord
from h2o_console.store.past import Past
from h2o_console.store.pictured import host_part
from h2o_console.store.servers import host_detail, host_view
from h2o_console.store.views import (
    CallView,
    FeatureView,
    FleetView,
    HostDetail,
    HostView,
    InstanceDetail,
    InstanceView,
    PackageView,
    SilentHost,
)
from h2o_console.store.windows import NO_TIMES, Window, covered_s

if TYPE_CHECKING:
    from h2o_console.feed.answers import Head, Host, Instance
    from h2o_console.feed.counters import Promise
    from h2o_console.feed.histories import Remembered
    from h2o_console.pb.lean_pb2 import HostStats
    from h2o_console.store.calls import Key as CallKey
    from h2o_console.store.control import ControlSeen
    from h2o_console.store.insight import Insight
    from h2o_console.store.members import Member
    from h2o_console.store.package_part import PackagePart
    from h2o_console.store.pictured import HostPart
    from h2o_core.insights.counts import Counts

_MANY_HOSTS: Final = 150
_THRIFTY_BUCKETS: Final = 2
_MANY_BUCKETS: Final = 3
"""With so many hosts, a sketch's comparison waits for a third bucket: it costs the same, however much it counts."""
_CALLS_BUCKETS: Final = 9
"""In so many buckets once or so, what callers waited is compared as well: in 48 or 54 s, while nobody looks at them."""
_READY_S: Final = 0.9
_READY_SELDOM_S: Final = 9.9
_WHOLE_S: Final = 1.5
_WANTED_S: Final = 10.0
P = ParamSpec("P")
T = TypeVar("T")


class _Ready(NamedTuple):
    view: PackageView
    made_s: float
    whole: bool


def _locked(method: Callable[Concatenate[Store, P], T]) -> Callable[Concatenate[Store, P], T]:
    """One thread at a time."""

    @wraps(method)
    def alone(store: Store, *arguments: P.args, **named: P.kwargs) -> T:
        with store.lock:
            return method(store, *arguments, **named)

    return alone


class Store:
    """The fleet as far as it is known. `changed` is raised by whatever may change a view.

    `thrifty`: sketches are compared once in 12 s instead of at each reading, the hosts in turn, so that each 6 s have
    times of half of them (of many hosts once in 18 s, a third of them): for fleets where more would cost too much.
    """

    def __init__(self) -> None:
        self.lock = RLock()
        self.changed = 0
        self.thrifty = False
        self.hosts: dict[str, HostRecord] = {}
        self._packages: dict[str, PackageRecord] = {}
        self._hosts_of: dict[str, set[str]] = {}
        self._calls = Calls()
        self._counted_s: float | None = None
        self.epochs = Epochs()
        self.control: ControlSeen | None = None
        self.insight: Insight | None = None
        self.blindness: str = ""
        self.past = Past()
        """For the thread that looks for what is wrong, and no other."""
        self._numbered = 0
        self._watched: tuple[str, Member] | None = None
        self._dirty: set[str] = set()
        self._on_screen: frozenset[str] = frozenset()
        self._wanted: dict[str, float] = {}
        self._whole: dict[str, float] = {}
        self._ready: dict[str, _Ready] = {}
        self._silent_for: dict[str, int] = {}
        self._head: Head | None = None
        self._picture_s: float | None = None
        self._agent: str = ""
        self._detour: str = ""
        self._trouble: str = ""
        self._hint: str = ""

    @_locked
    def become(self, other: Store) -> None:
        """Know what *other* knows, which nobody else may use any more; everything counts as changed."""
        dirty, changed = self._packages.keys() | other.names(), self.changed + 1
        known = {name: value for name, value in vars(other).items() if name != "lock"}
        vars(self).update(known, changed=changed, _dirty=dirty)

    # what agents answered

    @_locked
    def put_hosts(self, head: Head, hosts: Iterable[Host], agent: str, now_s: float, detour: str = "") -> None:
        """The fleet's hosts as *agent*'s broker sees them: those that are missing are gone.

        *detour* says why another agent than the context's was asked.
        """
        known, listed = set(self.hosts), {host.host: host for host in hosts}
        for name in self.hosts.keys() - listed.keys():
            record = self.hosts.pop(name)
            self._silent_for.pop(name, None)
            self._reindex(name, record.packages, frozenset())
        for name, host in listed.items():
            if name not in self.hosts:
                self._numbered += 1
                self.hosts[name] = HostRecord(name, now_s, self._numbered)
            self.hosts[name].seen = host
        self._head, self._picture_s = head, now_s
        said = (agent, detour, "", "")
        self.changed += said != (self._agent, self._detour, self._trouble, self._hint) or known != self.hosts.keys()
        self._agent, self._detour, self._trouble, self._hint = said

    @_locked
    def put_picture(self, instances: Iterable[Instance], now_s: float) -> None:
        """The fleet's instances as the asked broker sees them; hosts' own counters go before it."""
        listed: dict[str, list[Instance]] = {}
        for instance in instances:
            listed.setdefault(instance.host, []).append(instance)
        for name, record in self.hosts.items():
            before = record.packages
            record.list_instances(listed.get(name, []), now_s)
            self._reindex(name, before, record.packages)
        self._picture_s = now_s

    @_locked
    def put_stats(self, host: str, stats: HostStats, now_s: float) -> None:
        """A host's counters."""
        if (record := self.hosts.get(host)) is None:
            return
        before = record.packages
        record.read(stats, now_s, self)
        self.epochs.saw(stats.report.epoch, now_s)
        if self._counted_s is None:
            self._counted_s = now_s
        buckets = _MANY_BUCKETS if len(self.hosts) > _MANY_HOSTS else _THRIFTY_BUCKETS
        turn = int(now_s // BUCKET_S + record.number) // buckets
        if not self.thrifty or record.timed_at != turn:
            record.timed_at = turn
            seldom = turn % (_CALLS_BUCKETS // buckets) == 0
            record.time_all(now_s, calls=not self.thrifty or seldom or self._calls.timed(now_s))
        self._reindex(host, before, record.packages)

    def window_of(self, package: str, version: str, feature: str) -> Window:
        """Where all instances of a version are counted together."""
        return self._record(package).window_of(version, feature)

    def window_of_call(self, caller: str, version: str, feature: str) -> Window:
        """Where what a caller gets from a feature is counted, on whatever host."""
        return self._calls.window_of((caller, version, feature))

    @_locked
    def put_still(self, host: str, now_s: float) -> None:
        """A host's agent says that nothing has happened there since its last answer."""
        if (record := self.hosts.get(host)) is not None:
            record.still(now_s)
            self._dirty |= record.packages

    @_locked
    def put_promises(self, promises: Iterable[Promise]) -> None:
        """What package versions declare."""
        declared: dict[str, dict[tuple[str, str], Promise]] = {}
        for promise in promises:
            declared.setdefault(promise.package, {})[promise.version, promise.feature] = promise
        for name in declared.keys() | self._packages.keys():
            record = self._record(name)
            if record.promises != declared.get(name, {}):
                record.promises = declared.get(name, {})
                self._dirty.add(name)

    def put_history(self, host: str, told: Iterable[Remembered], now_s: float) -> None:
        """What a host remembers of the time before anybody watched."""
        self.past.recall(host, told, now_s)

    @_locked
    def put_failure(self, host: str, why: str) -> None:
        """A host's counters could not be had; what was known of it grows old."""
        if (record := self.hosts.get(host)) is not None:
            record.failed, record.answers = why, False

    def put_control(self, decided: ControlSeen | None, now_s: float) -> None:
        """What is decided; None: the agent that was asked can't say."""
        if decided is not None:
            self.epochs.saw(decided.epoch, now_s)
        self.control = decided
        self.changed += 1

    @_locked
    def heard(self) -> bool:
        """Every host that is known has answered, or is known not to."""
        return bool(self.hosts) and all(one.about is not None or one.failed for one in self.hosts.values())

    def put_blindness(self, why: str) -> None:
        """Nobody could look: what was found before grows old."""
        self.blindness = why
        self.changed += 1

    def put_insight(self, insight: Insight) -> None:
        """Somebody has looked."""
        self.insight, self.blindness = insight, ""
        self.changed += 1

    @_locked
    def put_trouble(self, agent: str, why: str, hint: str) -> None:
        """Nobody told the fleet's picture; `hint` says what to type."""
        self._agent, self._trouble, self._hint = agent, why, hint
        self.changed += 1

    @_locked
    def expect(self, host: str, interval_s: float) -> None:
        """From now on *host* is asked once in so many seconds."""
        if (record := self.hosts.get(host)) is not None:
            record.interval_s = interval_s

    # what screens read

    @_locked
    def names(self) -> tuple[str, ...]:
        """All packages that are known."""
        return tuple(self._packages)

    @_locked
    def host_names(self) -> tuple[str, ...]:
        """All hosts that are known."""
        return tuple(self.hosts)

    @_locked
    def host_part(self, name: str, now_s: float) -> HostPart | None:
        """A host's part of the picture that insights are drawn from; None when it is gone."""
        record = self.hosts.get(name)
        if record is None:
            return None
        behind_s = None if record.report is None else self.epochs.behind_s(record.report.epoch, record.fresh_s)
        return host_part(record, behind_s, now_s, thrifty=self.thrifty)

    @_locked
    def package_part(self, name: str, now_s: float) -> PackagePart | None:
        """A package's part of it; None when it is gone."""
        record = self._packages.get(name)
        return None if record is None else package_part(record, covered_s(self._counted_s, now_s), now_s)

    @_locked
    def call_parts(self, now_s: float) -> Mapping[CallKey, Counts]:
        """Who calls whom, of all hosts together; nothing where each host's part has all of its calls."""
        return self._calls.parts(covered_s(self._counted_s, now_s), now_s) if self.thrifty else {}

    @_locked
    def take_dirty(self, now_s: float) -> set[str]:
        """Packages whose view may have changed since the last call; forgets them."""
        self._look_for_silence(now_s)
        dirty, self._dirty = self._dirty, set()
        return dirty

    def _look_for_silence(self, now_s: float) -> None:
        for name, record in self.hosts.items():
            second = int(record.age_s(now_s) or 0) + 1 if record.silent(now_s) else 0
            if self._silent_for.get(name, 0) != second:
                self._silent_for[name] = second
                self._dirty |= record.packages
                self.changed += 1

    def package(self, name: str, now_s: float, *, whole: bool = False) -> PackageView | None:
        """A package as it is now, *whole* with its instances; None when nothing is left to say of it.

        While `prepare` is called, it is the view that was made ready there.
        """
        self._wanted[name] = now_s
        if whole:
            self._whole[name] = now_s
        ready = self._ready.get(name)
        if ready is not None and (ready.whole or not whole):
            return ready.view
        return self._package(name, now_s, whole=whole)

    def look_at(self, packages: Iterable[str]) -> None:
        """These are on screen now."""
        self._on_screen = frozenset(packages)

    def prepare(self, now_s: float, every_s: float = _READY_S) -> None:
        """Make ready what `package` was lately asked for: not when a key waits for it, and not in that thread.

        *every_s*: how often for what is on screen; there is nothing new before its hosts were read again. The rest is
        asked for to be sorted, and made ready once in ten seconds.
        """
        often_s = max(every_s, _READY_S)
        for name, wanted_s in list(self._wanted.items()):
            if now_s - wanted_s > _WANTED_S:
                self._wanted.pop(name, None)
                self._whole.pop(name, None)
                self._ready.pop(name, None)
                continue
            ready = self._ready.get(name)
            if ready is None or now_s - ready.made_s >= (often_s if name in self._on_screen else _READY_SELDOM_S):
                whole = now_s - self._whole.get(name, float("-inf")) < _WHOLE_S
                view = self._package(name, now_s, whole=whole)
                if view is None:
                    self._ready.pop(name, None)
                else:
                    self._ready[name] = _Ready(view, now_s, whole)

    @_locked
    def briefs(self, now_s: float) -> tuple[PackageView, ...]:
        """All packages, with how their instances are, and nothing that was measured but requests/s."""
        known = [self._known(name, now_s) for name in tuple(self._packages)]
        return tuple(self._brief(*one, now_s) for one in known if one is not None)

    @_locked
    def _package(self, name: str, now_s: float, *, whole: bool) -> PackageView | None:
        known = self._known(name, now_s)
        return None if known is None else self._view(*known, now_s, whole=whole)

    def _known(self, name: str, now_s: float) -> tuple[PackageRecord, list[Here]] | None:
        """The package and where it runs; None when nothing is left to say of it, which is forgotten."""
        record = self._packages.get(name)
        if record is None:
            return None
        places = self._places(name, now_s)
        instances = sum(len(here.members) for here in places)
        record.saw(instances, now_s)
        if record.forgotten(instances, now_s):
            del self._packages[name]
            return None
        record.forget_idle({member.version for here in places for member in here.members}, now_s)
        return record, places

    def _brief(self, record: PackageRecord, places: list[Here], now_s: float) -> PackageView:
        counts, rps = counted(places, now_s)
        return PackageView(
            name=record.name,
            counts=counts,
            rps=rps,
            callers=self._calls.outcomes_of(record.name, now_s),
            silent=_silent([here.host for here in places if here.silent and here.members], now_s),
            peak=record.peak,
            gone_s=None if record.gone_s is None else now_s - record.gone_s,
        )

    def _view(self, record: PackageRecord, places: list[Here], now_s: float, *, whole: bool) -> PackageView:
        brief, speaking = self._brief(record, places, now_s), _speaking(places)
        told = bool(speaking or not brief.counts.total)
        times = record.times(now_s) if told else NO_TIMES
        return replace(
            brief,
            instances=_instances(places, now_s) if whole else (),
            features=record.views(places, now_s, timed=whole),
            outcomes=record.outcomes(now_s) if told else {},
            rps_line=record.rps_line([member.pace for member in speaking], now_s) if speaking else line_of([], now_s),
            p50_ms=times.p50_ms,
            p95_ms=times.p95_ms,
            p95_line=record.p95_line(now_s) if speaking else (),
        )

    @_locked
    def times(self, name: str, now_s: float) -> dict[str, tuple[float | None, float | None]]:
        """Instance → (p50, p95) in ms over the last minute, of those that are not silent."""
        found: dict[str, tuple[float | None, float | None]] = {}
        for member in _speaking(self._places(name, now_s)):
            times = member.window.times(now_s)
            found[member.id] = (times.p50_ms, times.p95_ms)
        return found

    @_locked
    def fleet(self, now_s: float) -> FleetView:
        """The fleet at a glance."""
        silent: list[HostRecord] = []
        speaking: list[HostRecord] = []
        for host in self.hosts.values():
            if host.silent(now_s):
                silent.append(host)
            elif host.report is not None:
                speaking.append(host)
        ages = [age for host in speaking if (age := host.age_s(now_s)) is not None]
        head = self._head
        register, silent_s, saying = _register(speaking, head, now_s)
        return FleetView(
            fleet=head.fleet if head else "",
            hosts=len(self.hosts),
            answering=len(speaking),
            instances=sum(map(_instances_of, self.hosts.values())),
            register=register,
            silent_s=silent_s,
            register_hosts=saying,
            data_age_s=max(ages, default=None),
            picture_age_s=None if self._picture_s is None else now_s - self._picture_s,
            agent=self._agent,
            detour=self._detour,
            trouble=self._trouble,
            hint=self._hint,
            silent=_silent(silent, now_s),
        )

    @_locked
    def servers(self, now_s: float) -> tuple[HostView, ...]:
        """All hosts, by name."""
        newest = self._newest_epoch()
        return tuple(host_view(self.hosts[name], newest, now_s) for name in sorted(self.hosts))

    @_locked
    def host(self, name: str, now_s: float) -> HostDetail | None:
        """One host in full; None when there is none."""
        if (record := self.hosts.get(name)) is None:
            return None
        self._calls.look(now_s)
        calls = self._calls.views(self.hosts.values(), now_s, only=record)
        return host_detail(record, host_view(record, self._newest_epoch(), now_s), calls, now_s)

    def _newest_epoch(self) -> int:
        return max((host.report.epoch for host in self.hosts.values() if host.report is not None), default=0)

    @_locked
    def instances(self, now_s: float) -> tuple[InstanceView, ...]:
        """All instances of the fleet, and the children that have not registered, without quantiles (see `times_of`)."""
        return tuple(
            instance_view(member, host, now_s) for host in self.hosts.values() for member in host.everything(now_s)
        )

    @_locked
    def times_of(self, host: str, instance: str, now_s: float) -> tuple[float | None, float | None]:
        """One instance's (p50, p95) in ms over the last minute."""
        record = self.hosts.get(host)
        member = record.members.get(instance) if record is not None and not record.silent(now_s) else None
        times = NO_TIMES if member is None else member.window.times(now_s)
        return times.p50_ms, times.p95_ms

    @_locked
    def instance(self, host: str, key: str, now_s: float) -> InstanceDetail | None:
        """One instance in full, by its `InstanceView.key`; None when it is gone. It is watched while this is called."""
        record = self.hosts.get(host)
        if record is None:
            return None
        for member in record.everything(now_s):
            if instance_view(member, record, now_s).key == key:
                self._watch(key, member)
                package = self._packages.get(member.package)
                return instance_detail(member, record, package.promises if package else {}, now_s)
        return None

    def _watch(self, key: str, member: Member) -> None:
        if self._watched is not None and self._watched[0] != key:
            self._watched[1].unwatch()
        self._watched = key, member

    @_locked
    def features(self, now_s: float) -> tuple[FeatureView, ...]:
        """All features of all versions that run or were called in the last minute, by name."""
        found = [
            view for name, record in self._packages.items() for view in record.views(self._places(name, now_s), now_s)
        ]
        return tuple(sorted(found, key=lambda view: (view.feature, view.version)))

    @_locked
    def calls(self, now_s: float) -> tuple[CallView, ...]:
        """Who calls what, by caller; latencies come within seconds after the first call of this."""
        self._calls.look(now_s)
        return self._calls.views(self.hosts.values(), now_s)

    @_locked
    def hosts_of(self, packages: Iterable[str]) -> set[str]:
        """Hosts on which any of *packages* runs."""
        return set[str]().union(*(self._hosts_of.get(name, ()) for name in packages))

    def _places(self, name: str, now_s: float) -> list[Here]:
        found: list[Here] = []
        for name_of_host in sorted(self._hosts_of.get(name, ())):
            host = self.hosts[name_of_host]
            silent = host.silent(now_s)
            found.append(Here(host, silent, host.of(name, silent=silent)))
        return found

    def _record(self, name: str) -> PackageRecord:
        record = self._packages.get(name)
        if record is None:
            record = self._packages[name] = PackageRecord(name)
        return record

    def _reindex(self, host: str, before: frozenset[str], after: frozenset[str]) -> None:
        self._dirty |= after
        if before == after:
            return
        for name in before - after:
            self._hosts_of[name].discard(host)
        for name in after - before:
            self._record(name)
            self._hosts_of.setdefault(name, set()).add(host)
        self._dirty |= before
        self.changed += 1


def _speaking(places: Iterable[Here]) -> list[Member]:
    return [member for here in places if not here.silent for member in here.members]


def _instances(places: Iterable[Here], now_s: float) -> tuple[InstanceView, ...]:
    return tuple(instance_view(member, here.host, now_s) for here in places for member in here.members)


def _instances_of(host: HostRecord) -> int:
    counted, listed = host.members.keys(), host.listed.keys()
    return len(counted) if listed <= counted else len(counted | listed)


def _silent(hosts: Iterable[HostRecord], now_s: float) -> tuple[SilentHost, ...]:
    return tuple(SilentHost(host.name, host.age_s(now_s), host.failed) for host in hosts)


def _register(speaking: Iterable[HostRecord], head: Head | None, now_s: float) -> tuple[str, float, int]:
    """The worst that brokers say of the register: (state, seconds, how many say so)."""
    said: dict[str, list[float]] = {}
    for host in speaking:
        register = host.report.register if host.report is not None else None
        if register is not None and register.state:
            silent_s = (known(register.silent_s) or 0.0) + (host.age_s(now_s) or 0.0)
            said.setdefault(register.state, []).append(silent_s)
    if not said and head is not None and head.register_state:
        said[head.register_state] = [head.silent_s or 0.0]
    troubled = {state: silent for state, silent in said.items() if state != "connected"}
    if troubled:
        state = max(troubled, key=lambda name: max(troubled[name]))
        return state, max(troubled[state]), len(troubled[state])
    return ("connected", 0.0, len(said["connected"])) if said else ("", 0.0, 0)
