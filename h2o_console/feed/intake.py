"""Where everything that was heard of a fleet goes into the store: parsed here, whoever heard it.

The poller hears agents; a replay hears a recording, and goes the very same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_console.feed.agents import OutOfReach, parse_document
from h2o_console.feed.answers import parse_head, parse_hosts, parse_instances
from h2o_console.feed.control import parse_control
from h2o_console.feed.counters import Unreadable, parse_promises, parse_stats
from h2o_console.feed.heard import Heard, Kind
from h2o_console.feed.histories import NoHistory, parse_history, remembered
from h2o_console.store.recalled import SLOT_S

if TYPE_CHECKING:
    from h2o_console.feed.answers import Head, Host
    from h2o_console.pb.lean_pb2 import HostStats
    from h2o_console.store.fleet import Store

Tap = Callable[[Heard, float], None]
"""Hears all of it before it is parsed, with the moment (monotonic, s); never blocks, never raises."""
_SMALL: Final = 40
"""Up to so many hosts, sketches are compared at each reading."""


class Intake:
    """One method for each kind of answer; what can't be read raises OutOfReach, and leaves the store as it was."""

    def __init__(self, store: Store, tap: Tap | None = None) -> None:
        self._store = store
        self._tap = tap

    def _hear(self, heard: Heard, now_s: float) -> None:
        if self._tap is not None:
            self._tap(heard, now_s)

    def hosts(self, address: str, body: bytes, now_s: float, detour: str = "") -> tuple[Head, tuple[Host, ...]]:
        """The fleet's hosts, told by the agent at *address*; *detour* says why by that one."""
        self._hear(Heard(Kind.HOSTS, address, body, (detour,)), now_s)
        document = parse_document(body)
        head, hosts = parse_head(document), parse_hosts(document)
        self._store.put_hosts(head, hosts, address, now_s, detour)
        self._store.thrifty = len({host.host for host in hosts}) > _SMALL
        return head, hosts

    def instances(self, body: bytes, now_s: float) -> None:
        """The fleet's instances."""
        self._hear(Heard(Kind.INSTANCES, body=body), now_s)
        self._store.put_picture(parse_instances(parse_document(body)), now_s)

    def promises(self, body: bytes, now_s: float) -> None:
        """What package versions declare."""
        self._hear(Heard(Kind.PROMISES, body=body), now_s)
        self._store.put_promises(parse_promises(parse_document(body)))

    def stats(self, host: str, body: bytes, now_s: float) -> HostStats:
        """A host's counters."""
        self._hear(Heard(Kind.STATS, host, body), now_s)
        try:
            stats = parse_stats(body)
        except Unreadable as error:
            raise OutOfReach(str(error)) from None
        if stats.host != host:
            msg = f"its address is answered by {stats.host or 'nobody who has a name'}"
            raise OutOfReach(msg)
        self._store.put_stats(host, stats, now_s)
        return stats

    def still(self, host: str, now_s: float) -> None:
        """Nothing has happened on *host* since its last answer."""
        self._hear(Heard(Kind.STILL, host), now_s)
        self._store.put_still(host, now_s)

    def failure(self, host: str, why: str, now_s: float) -> None:
        """*host* gave no usable answer."""
        self._hear(Heard(Kind.FAILURE, host, said=(why,)), now_s)
        self._store.put_failure(host, why)

    def trouble(self, agent: str, why: str, hint: str, now_s: float) -> None:
        """No agent told the fleet's picture; *hint* is what to type."""
        self._hear(Heard(Kind.TROUBLE, agent, said=(why, hint)), now_s)
        self._store.put_trouble(agent, why, hint)

    def expect(self, host: str, interval_s: float, now_s: float) -> None:
        """From now on *host* is asked once in so many seconds."""
        self._hear(Heard(Kind.EXPECT, host, seconds=interval_s), now_s)
        self._store.expect(host, interval_s)

    def control(self, body: bytes, now_s: float) -> None:
        """What is decided in the fleet."""
        self._hear(Heard(Kind.CONTROL, body=body), now_s)
        self._store.put_control(parse_control(parse_document(body), now_s), now_s)

    def control_stands(self, now_s: float) -> None:
        """Nothing else has been decided since."""
        self._hear(Heard(Kind.CONTROL_STANDS), now_s)
        if (decided := self._store.control) is not None:
            self._store.put_control(replace(decided, read_s=now_s), now_s)

    def no_control(self, now_s: float) -> None:
        """The agent that is asked can't tell what is decided."""
        self._hear(Heard(Kind.NO_CONTROL), now_s)
        self._store.put_control(None, now_s)

    def history(self, host: str, body: bytes, now_s: float) -> None:
        """What *host* remembers of the time before anybody watched."""
        self._hear(Heard(Kind.HISTORY, host, body), now_s)
        try:
            history = parse_history(host, body, SLOT_S)
        except NoHistory as error:
            raise OutOfReach(str(error)) from None
        self._store.put_history(host, remembered(history), now_s)

    def take(self, heard: Heard, now_s: float) -> None:
        """Any of them, as a recording has it; raises OutOfReach where its method does."""
        first, second = (*heard.said, "", "")[:2]
        match heard.kind:
            case Kind.HOSTS:
                self.hosts(heard.of, heard.body, now_s, first)
            case Kind.INSTANCES:
                self.instances(heard.body, now_s)
            case Kind.PROMISES:
                self.promises(heard.body, now_s)
            case Kind.STATS:
                self.stats(heard.of, heard.body, now_s)
            case Kind.STILL:
                self.still(heard.of, now_s)
            case Kind.FAILURE:
                self.failure(heard.of, first, now_s)
            case Kind.TROUBLE:
                self.trouble(heard.of, first, second, now_s)
            case Kind.EXPECT:
                self.expect(heard.of, heard.seconds, now_s)
            case Kind.CONTROL | Kind.CONTROL_STANDS | Kind.NO_CONTROL:
                self._take_control(heard, now_s)
            case Kind.HISTORY:
                self.history(heard.of, heard.body, now_s)

    def _take_control(self, heard: Heard, now_s: float) -> None:
        if heard.kind is Kind.CONTROL:
            self.control(heard.body, now_s)
        elif heard.kind is Kind.CONTROL_STANDS:
            self.control_stands(now_s)
        else:
            self.no_control(now_s)
