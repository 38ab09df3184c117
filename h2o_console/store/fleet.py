"""The console's one store: agents' answers go in with the moment they came, views and what changed come out.

It holds no clock and no socket: `h2o_console.feed.poller` feeds it, screens read it. ``now_s`` is one monotonic
clock; hosts' own clocks (`as_of`) are only ever compared with themselves, so skew does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from h2o_console.store.hosts import HostRecord, Member
from h2o_console.store.packages import LastError, PackageRecord, in_ms
from h2o_console.store.views import FleetView, InstanceView, PackageView, SilentHost
from h2o_console.store.windows import Tally, line_of, merged, quantile

if TYPE_CHECKING:
    from h2o_console.feed.answers import Head, Host, Instance
    from h2o_console.feed.counters import Promise, StatsAnswer


class Store:
    """The fleet as far as it is known. `changed` is raised by whatever may change a view."""

    def __init__(self) -> None:
        self.changed = 0
        self.hosts: dict[str, HostRecord] = {}
        self._packages: dict[str, PackageRecord] = {}
        self._hosts_of: dict[str, set[str]] = {}
        self._dirty: set[str] = set()
        self._silent_for: dict[str, int] = {}
        self._head: Head | None = None
        self._picture_s: float | None = None
        self._agent: str = ""
        self._detour: str = ""
        self._trouble: str = ""
        self._hint: str = ""

    # what agents answered

    def put_hosts(self, head: Head, hosts: Iterable[Host], agent: str, now_s: float, detour: str = "") -> None:
        """The fleet's hosts as *agent*'s broker sees them: those that are missing are gone.

        *detour* says why another agent than the context's was asked.
        """
        known, listed = set(self.hosts), {host.host: host for host in hosts}
        for name in self.hosts.keys() - listed.keys():
            record = self.hosts.pop(name)
            self._silent_for.pop(name, None)
            self._reindex(name, record.packages(), set())
        for name, host in listed.items():
            self.hosts.setdefault(name, HostRecord(name, now_s)).seen = host
        self._head, self._picture_s = head, now_s
        said = (agent, detour, "", "")
        self.changed += said != (self._agent, self._detour, self._trouble, self._hint) or known != self.hosts.keys()
        self._agent, self._detour, self._trouble, self._hint = said

    def put_picture(self, instances: Iterable[Instance], now_s: float) -> None:
        """The fleet's instances as the asked broker sees them; hosts' own counters go before it."""
        listed: dict[str, list[Instance]] = {}
        for instance in instances:
            listed.setdefault(instance.host, []).append(instance)
        for name, record in self.hosts.items():
            before = record.packages()
            record.list_instances(listed.get(name, []))
            self._reindex(name, before, record.packages())
        self._picture_s = now_s

    def put_children(self, host: str, instances: Iterable[Instance]) -> None:
        """What a host's own agent supervises and what has not registered (starting, backing off)."""
        if (record := self.hosts.get(host)) is None:
            return
        before = record.packages()
        record.put_children(instances)
        self._reindex(host, before, record.packages())

    def put_stats(self, host: str, answer: StatsAnswer, now_s: float) -> None:
        """A host's counters."""
        if (record := self.hosts.get(host)) is None:
            return
        before = record.packages()
        record.failed = ""
        for counted in record.read(answer, now_s):
            if counted.version or counted.package in self._packages:
                self._record(counted.package).count(counted, now_s)
                self._dirty.add(counted.package)
        self._reindex(host, before, record.packages())
        self._dirty |= record.packages()

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

    def put_failure(self, host: str, why: str) -> None:
        """A host's counters could not be had; what was known of it grows old."""
        if (record := self.hosts.get(host)) is not None:
            record.failed = why

    def put_trouble(self, agent: str, why: str, hint: str) -> None:
        """Nobody told the fleet's picture; `hint` says what to type."""
        self._agent, self._trouble, self._hint = agent, why, hint
        self.changed += 1

    def expect(self, host: str, interval_s: float) -> None:
        """From now on *host* is asked once in so many seconds."""
        if (record := self.hosts.get(host)) is not None:
            record.interval_s = interval_s

    # what screens read

    def names(self) -> Iterable[str]:
        """All packages that are known."""
        return self._packages.keys()

    def take_dirty(self, now_s: float) -> set[str]:
        """Packages whose view may have changed since the last call; forgets them."""
        for name, record in self.hosts.items():
            second = int(record.age_s(now_s) or 0) + 1 if record.silent(now_s) else 0
            if self._silent_for.get(name, 0) != second:
                self._silent_for[name] = second
                self._dirty |= record.packages()
                self.changed += 1
        dirty, self._dirty = self._dirty, set()
        return dirty

    def package(self, name: str, now_s: float) -> PackageView | None:
        """A package as it is now; None when nothing is left to say of it."""
        record = self._packages.get(name)
        if record is None:
            return None
        members = self._members(name, now_s)
        record.saw(len(members), now_s)
        if record.forgotten(len(members), now_s):
            del self._packages[name]
            return None
        speaking = [member for member, host in members if not host.silent(now_s)]
        return self._view(record, members, speaking, now_s)

    def _view(
        self, record: PackageRecord, members: list[tuple[Member, HostRecord]], speaking: list[Member], now_s: float
    ) -> PackageView:
        paces = [pace for member in speaking if (pace := member.pace.per_s(now_s)) is not None]
        totals = record.totals(now_s) if speaking or not members else dict[tuple[str, str], Tally]()
        total = merged(totals.values())
        return PackageView(
            name=record.name,
            instances=tuple(_instance(member, host, now_s) for member, host in members),
            features=record.views(totals, _errors(members, now_s), {member.version for member, _ in members}),
            outcomes=total.outcomes,
            rps=sum(paces) if paces else None,
            rps_line=line_of([member.pace for member in speaking], now_s),
            p50_ms=in_ms(quantile(total.sketch, 0.5)),
            p95_ms=in_ms(quantile(total.sketch, 0.95)),
            p95_line=tuple(in_ms(value) for value in record.p95_line(now_s)) if speaking else (),
            callers=record.callers.total(now_s).outcomes,
            silent=_silent({host.name: host for _, host in members}.values(), now_s),
            peak=record.peak,
            gone_s=None if record.gone_s is None else now_s - record.gone_s,
        )

    def times(self, name: str, now_s: float) -> dict[str, tuple[float | None, float | None]]:
        """Instance → (p50, p95) in ms over the last minute, of those that are not silent."""
        found: dict[str, tuple[float | None, float | None]] = {}
        for member, host in self._members(name, now_s):
            if not host.silent(now_s):
                sketch = member.window.total(now_s).sketch
                found[member.id] = (in_ms(quantile(sketch, 0.5)), in_ms(quantile(sketch, 0.95)))
        return found

    def fleet(self, now_s: float) -> FleetView:
        """The fleet at a glance."""
        speaking = [host for host in self.hosts.values() if not host.silent(now_s) and host.answer]
        ages = [age for host in speaking if (age := host.age_s(now_s)) is not None]
        head = self._head
        register, silent_s, saying = _register(speaking, head, now_s)
        return FleetView(
            fleet=head.fleet if head else "",
            hosts=len(self.hosts),
            answering=len(speaking),
            instances=sum(len(host.members.keys() | host.listed.keys()) for host in self.hosts.values()),
            register=register,
            silent_s=silent_s,
            register_hosts=saying,
            data_age_s=max(ages, default=None),
            picture_age_s=None if self._picture_s is None else now_s - self._picture_s,
            agent=self._agent,
            detour=self._detour,
            trouble=self._trouble,
            hint=self._hint,
            silent=_silent(self.hosts.values(), now_s),
        )

    def hosts_of(self, packages: Iterable[str]) -> set[str]:
        """Hosts on which any of *packages* runs."""
        return set[str]().union(*(self._hosts_of.get(name, ()) for name in packages))

    def _members(self, name: str, now_s: float) -> list[tuple[Member, HostRecord]]:
        found: list[tuple[Member, HostRecord]] = []
        for host in sorted(self._hosts_of.get(name, ())):
            record = self.hosts[host]
            found += [(member, record) for member in record.of(name, now_s)]
        return found

    def _record(self, name: str) -> PackageRecord:
        return self._packages.setdefault(name, PackageRecord(name))

    def _reindex(self, host: str, before: set[str], after: set[str]) -> None:
        for name in before - after:
            self._hosts_of[name].discard(host)
        for name in after - before:
            self._record(name)
            self._hosts_of.setdefault(name, set()).add(host)
        self._dirty |= before | after
        self.changed += before != after


def _instance(member: Member, host: HostRecord, now_s: float) -> InstanceView:
    counts = member.counts
    listed = host.listed.get(member.id) or member.listed
    silent = host.silent(now_s)
    clock_s = host.answer.as_of_s if host.answer else None
    started_s = counts.started_s if counts else None
    return InstanceView(
        id=member.id,
        version=member.version,
        host=host.name,
        zone=member.zone,
        state=counts.state if counts else listed.state if listed else "unknown",
        why=listed.why if listed else "",
        routable=listed.routable if listed else None,
        slots=counts.slots if counts else listed.slots if listed else None,
        in_flight=counts.in_flight if counts and not silent else None,
        queued=counts.queued if counts and not silent else None,
        up_s=clock_s - started_s if clock_s is not None and started_s is not None else None,
        rps=None if silent else member.pace.per_s(now_s),
        outcomes={} if silent else member.window.outcomes(now_s),
        silent=silent or (counts is None and bool(member.id)),
    )


def _errors(members: Iterable[tuple[Member, HostRecord]], now_s: float) -> dict[tuple[str, str], LastError]:
    newest: dict[tuple[str, str], LastError] = {}
    for member, host in members:
        clock_s = host.answer.as_of_s if host.answer else None
        if member.counts is None or clock_s is None:
            continue
        for feature, endpoint in member.counts.endpoints.items():
            if not endpoint.last_error or endpoint.last_error_s is None:
                continue
            age_s = clock_s - endpoint.last_error_s + (host.age_s(now_s) or 0.0)
            known = newest.get((member.version, feature))
            if known is None or age_s < known.age_s:
                newest[member.version, feature] = LastError(endpoint.last_error, age_s)
    return newest


def _silent(hosts: Iterable[HostRecord], now_s: float) -> tuple[SilentHost, ...]:
    return tuple(SilentHost(host.name, host.age_s(now_s), host.failed) for host in hosts if host.silent(now_s))


def _register(speaking: Iterable[HostRecord], head: Head | None, now_s: float) -> tuple[str, float, int]:
    """The worst that brokers say of the register: (state, seconds, how many say so)."""
    said: dict[str, list[float]] = {}
    for host in speaking:
        if host.answer and host.answer.register_state:
            silent_s = (host.answer.silent_s or 0.0) + (host.age_s(now_s) or 0.0)
            said.setdefault(host.answer.register_state, []).append(silent_s)
    if not said and head is not None and head.register_state:
        said[head.register_state] = [head.silent_s or 0.0]
    troubled = {state: silent for state, silent in said.items() if state != "connected"}
    if troubled:
        state = max(troubled, key=lambda name: max(troubled[name]))
        return state, max(troubled[state]), len(troubled[state])
    return ("connected", 0.0, len(said["connected"])) if said else ("", 0.0, 0)
