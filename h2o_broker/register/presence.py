"""Which hosts count: what the register says, and what it may not take away while a link answers. Pure.

What holds after every event (tests/machines/test_presence.py):

1. A host whose node stands in the register, as last read, counts with what its node says.
2. Nobody goes for an absence that was not seen: while ZooKeeper is away, and before the register has been read
   for the first time, no registered and no remembered host goes, whether or not its link answers.
3. Who counts without a node answers: as soon as its link doesn't, it goes.
4. Who vanished with more than half of all hosts within `AT_ONCE_NS`, or is missing within `RECENT_NS` of a
   reconnection, counts for as long as its link answers.
5. Whose node alone vanished while its link answers counts for `MOMENT_NS`: a broker whose session expired is back by
   then. After that its instances are taken out, and the link stays for `LINGER_NS` for what is in flight.
6. `kept` names exactly those that count without a node, with the reason; a node that is back ends it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from h2o_core.znodes.live import LiveHost

AT_ONCE_NS: Final = 2_000_000_000
"""Hosts that vanish within this time of one another vanish "at once"."""
RECENT_NS: Final = 30_000_000_000
MOMENT_NS: Final = 10_000_000_000
LINGER_NS: Final = 30_000_000_000


class Standing(Enum):
    """Why a host counts."""

    REMEMBERED = "the last-known file has it, the register is not read yet"
    REGISTERED = "its node stands"
    KEPT = "its node is gone, its link answers"
    WITHDRAWN = "its node is gone for good; what was sent there may still be answered"


class Reason(StrEnum):
    """Why a host without a node counts."""

    MASS = "more than half of all hosts vanished at once"
    RECONNECTION = "it was missing after a reconnection to ZooKeeper"
    MOMENT = "its node has only just gone"
    WITHDRAWN = "its node did not come back; it gets no new requests"


@dataclass(frozen=True, slots=True)
class Put:
    """The host counts, with these instances."""

    live: LiveHost


@dataclass(frozen=True, slots=True)
class Drop:
    """The host does not count any more."""

    host: str


Change: TypeAlias = Put | Drop


@dataclass(slots=True)
class _Host:
    live: LiveHost
    standing: Standing
    reason: Reason = Reason.MOMENT
    since_ns: int = 0
    """In a standing without a node: since when that is gone."""


class Presence:
    """Events in, changes out. `own` is this broker's host: it counts in the sums, never in the changes."""

    def __init__(self, own: str) -> None:
        self._own = own
        self._own_stands = False
        self._hosts: dict[str, _Host] = {}
        self._answering: set[str] = set()
        self._adrift: dict[str, _Host] = {}
        """Of the hosts those whose node is gone."""
        self._vanished: deque[tuple[int, str]] = deque()
        self._read = False
        """The register has been read on this connection."""
        self._reconnected = False
        """There was something to lose when it was read."""
        self._read_ns = 0
        self.version = 0
        """Raised whenever a host's standing is another than before."""

    # ------------------------------------------------------------------ events

    def remember(self, lives: Iterable[LiveHost]) -> list[Change]:
        """Hosts of the last-known file, before anything was read."""
        changes: list[Change] = []
        for live in lives:
            if live.host != self._own and live.host not in self._hosts:
                self._hosts[live.host] = _Host(live, Standing.REMEMBERED)
                self._reconnected = True
                self.version += 1
                changes.append(Put(live))
        return changes

    def connected(self) -> None:
        """A connection to ZooKeeper stands; the register is being read."""
        self._reconnected = self._reconnected or self._read_ns != 0
        self._read = False
        self._vanished.clear()

    def disconnected(self) -> None:
        """ZooKeeper is away: what it says of hosts stays."""
        self._read = False

    def synced(self, now: int) -> list[Change]:
        """The register has been read whole: who is only remembered is missing in it."""
        self._read, self._read_ns = True, now
        changes: list[Change] = []
        for host in self._adrift.values():
            if host.reason is Reason.MOMENT and self._reconnected:
                host.reason = Reason.RECONNECTION
        for name, host in list(self._hosts.items()):
            if host.standing is Standing.REMEMBERED:
                changes += self._missing(name, host, now)
        return changes

    def seen(self, live: LiveHost) -> list[Change]:
        """A host's node stands and says this."""
        name = live.host
        self._back(name)
        if name == self._own:
            self._own_stands = True
            return []
        host = self._hosts.get(name)
        if host is None or host.live.incarnation != live.incarnation:
            self._answering.discard(name)
        if host is not None and host.standing is Standing.REGISTERED:
            if host.live == live:
                return []
        else:
            self.version += 1
        self._hosts[name] = _Host(live, Standing.REGISTERED)
        self._adrift.pop(name, None)
        return [Put(live)]

    def unreadable(self, name: str) -> list[Change]:
        """A host's node stands and what it says can't be used: what is known of it stays."""
        host = self._hosts.get(name)
        return [] if host is None else self.seen(host.live)

    def gone(self, name: str, now: int) -> list[Change]:
        """A host's node is not there, seen while connected."""
        if name == self._own:
            if self._own_stands:
                self._own_stands = False
                self._vanished.append((now, name))
                self._keep_a_mass(now, None)
            return []
        host = self._hosts.get(name)
        if host is None or name in self._adrift:
            return []
        return self._missing(name, host, now)

    def link(self, name: str, *, answers: bool) -> list[Change]:
        """The link to a host's broker answers as the incarnation that is known, or does not (any more)."""
        if name not in self._hosts:
            return []
        if answers:
            self._answering.add(name)
            return []
        self._answering.discard(name)
        return self._drop(name) if name in self._adrift else []

    def tick(self, now: int) -> list[Change]:
        """Time has come: see `next_wakeup`."""
        changes: list[Change] = []
        for name, host in list(self._adrift.items()):
            due = self._due(host)
            if due is None or now < due:
                continue
            if host.standing is Standing.KEPT:
                host.standing, host.reason = Standing.WITHDRAWN, Reason.WITHDRAWN
                self.version += 1
                changes.append(Put(replace(host.live, instances=())))
            else:
                changes += self._drop(name)
        return changes

    def next_wakeup(self) -> int | None:
        """When `tick` has something to do; None: not before another event."""
        return min((due for host in self._adrift.values() if (due := self._due(host)) is not None), default=None)

    # ------------------------------------------------------------------ what counts

    def kept(self) -> Iterator[tuple[LiveHost, Reason]]:
        """Who counts without a node: its document, and why."""
        for host in self._adrift.values():
            yield host.live, host.reason

    def standing(self, name: str) -> Standing | None:
        """Why a host counts; None: it doesn't."""
        host = self._hosts.get(name)
        return host.standing if host is not None else None

    # ------------------------------------------------------------------ rules

    def _missing(self, name: str, host: _Host, now: int) -> list[Change]:
        self._vanished.append((now, name))
        mass = self._keep_a_mass(now, host)
        if name not in self._answering:
            return self._drop(name)
        host.standing, host.since_ns = Standing.KEPT, now
        self.version += 1
        self._adrift[name] = host
        if self._reconnected and (not self._read or now - self._read_ns < RECENT_NS):
            host.reason = Reason.RECONNECTION
        else:
            host.reason = Reason.MASS if mass else Reason.MOMENT
        return []

    def _keep_a_mass(self, now: int, leaving: _Host | None) -> bool:
        """Did more than half vanish at once, *leaving* as the last of them? Then it is no moment for any of them."""
        if not self._is_mass(now, leaving):
            return False
        for _, name in self._vanished:
            host = self._adrift.get(name)
            if host is not None and host.reason is Reason.MOMENT:
                host.reason = Reason.MASS
        return True

    def _is_mass(self, now: int, leaving: _Host | None) -> bool:
        """More than half of the hosts whose nodes stood when the first of these vanished; our own is one of them."""
        while self._vanished and now - self._vanished[0][0] > AT_ONCE_NS:
            self._vanished.popleft()
        vanished = len({name for _, name in self._vanished})
        standing = sum(
            host.standing in {Standing.REGISTERED, Standing.REMEMBERED} and host is not leaving
            for host in self._hosts.values()
        )
        return 2 * vanished > vanished + standing + self._own_stands

    def _back(self, name: str) -> None:
        if self._vanished:
            self._vanished = deque(entry for entry in self._vanished if entry[1] != name)

    def _drop(self, name: str) -> list[Change]:
        del self._hosts[name]
        self.version += 1
        self._adrift.pop(name, None)
        self._answering.discard(name)
        return [Drop(name)]

    def _due(self, host: _Host) -> int | None:
        """An absence that can't be looked at (ZooKeeper is away) is not held against a host."""
        if host.standing is Standing.WITHDRAWN:
            return host.since_ns + MOMENT_NS + LINGER_NS
        if host.reason is Reason.MOMENT and self._read:
            return host.since_ns + MOMENT_NS
        return None
