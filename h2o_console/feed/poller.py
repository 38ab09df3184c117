"""Keeps the store fresh: asks the context's agent for the fleet, and each host's agent for its counters.

Hosts on screen are asked each second (more rarely when that would cost too much), the others every 5 s, with
jitter; who does not answer is asked ever more rarely (30 s at most, 5 s while on screen). A slow host holds
up nobody: each has its own task, its own time-out, and at most `PARALLEL` requests are under way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from h2o_console.feed.agents import Agents, Answered, OutOfReach
from h2o_console.feed.answers import parse_head, parse_hosts, parse_instances
from h2o_console.feed.counters import parse_promises, parse_stats
from h2o_core.io.clock import monotonic_ns

if TYPE_CHECKING:
    from h2o_console.store.fleet import Store

ON_SCREEN_S: Final = 1.0
OFF_SCREEN_S: Final = 5.0
_HOSTS_S: Final = 2.0
_PICTURE_S: Final = 5.0
_PROMISES_S: Final = 30.0
_HOME_AGAIN_S: Final = 10.0
_LONGEST_S: Final = 30.0
PARALLEL: Final = 16
_SHARE: Final = 0.12
"""Of one core, for reading what hosts on screen answer: in a fleet that costs more, each is asked more rarely."""


def monotonic_s() -> float:
    """The clock of everything the console holds."""
    return monotonic_ns() / 1e9


class Poller:
    """One task for the fleet, one for each host; `run` ends only when it is cancelled."""

    def __init__(
        self,
        store: Store,
        agent: str,
        *,
        timeout_s: float = 2.0,
        token: str = "",
        clock: Callable[[], float] = monotonic_s,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._home = agent
        self._agents = Agents(timeout_s, token)
        self._token = token
        self._clock = clock
        self._dice = dice
        self._parallel = asyncio.Semaphore(PARALLEL)
        self._on_screen: frozenset[str] = frozenset()
        self._hurry: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._addresses: dict[str, str] = {}
        self._etags: dict[tuple[str, str], str] = {}
        self._due: dict[str, float] = {}
        self._cost_s: dict[str, float] = {}
        self._detour = ""
        self._home_failure: OutOfReach | None = None

    def look_at(self, hosts: Iterable[str]) -> None:
        """These hosts are on screen now: ask them each second."""
        wanted = frozenset(hosts)
        for host in wanted - self._on_screen:
            if host in self._hurry:
                self._hurry[host].set()
        self._on_screen = wanted

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Host → its agent's address, and the token that opens it ("" for a Unix socket)."""
        tokens = {host: "" if at.startswith("unix:") else self._token for host, at in self._addresses.items()}
        return {host: (at, tokens[host]) for host, at in self._addresses.items()}

    async def run(self) -> None:
        """Ask until cancelled."""
        try:
            while True:
                await self._ask_fleet()
                await asyncio.sleep(_HOSTS_S * (0.9 + 0.2 * self._dice()))
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await self._agents.close()

    # the fleet's picture

    async def _ask_fleet(self) -> None:
        """Ask the context's agent; when it is out of reach, any other that is known."""
        for address in self._candidates():
            try:
                await self._ask_hosts(address)
            except OutOfReach as error:
                if address == self._home:
                    self._home_failure = error
                continue
            self._detour = "" if address == self._home else address
            await self._ask_more(address)
            return
        if (failure := self._home_failure) is not None:
            self._store.put_trouble(self._home, failure.why, failure.hint)

    def _candidates(self) -> list[str]:
        others = [address for address in self._addresses.values() if address not in {self._home, self._detour}]
        if not self._detour:
            return [self._home, *others]
        home_first = self._is_due("home", _HOME_AGAIN_S)
        return [self._home, self._detour, *others] if home_first else [self._detour, *others, self._home]

    async def _ask_hosts(self, address: str) -> None:
        answered = await self._agents.get(address, "/hosts")
        document = answered.document or {}
        head, hosts = parse_head(document), parse_hosts(document)
        if address == self._home:
            self._home_failure = None
        detour = f"{self._home}: {self._home_failure.why}" if self._home_failure else ""
        self._store.put_hosts(head, hosts, address, self._clock(), detour)
        self._addresses = {host.host: host.agent for host in hosts if host.agent}
        if head.host and address == self._home:
            self._addresses[head.host] = self._home
        self._attend({host.host for host in hosts})

    async def _ask_more(self, address: str) -> None:
        try:
            if self._is_due("picture", _PICTURE_S):
                answered = await self._agents.get(address, "/instances?fleet=1")
                if answered.document is not None:
                    self._store.put_picture(parse_instances(answered.document), self._clock())
            if self._is_due("promises", _PROMISES_S):
                answered = await self._agents.get(address, "/features?fleet=1")
                if answered.document is not None:
                    self._store.put_promises(parse_promises(answered.document))
        except OutOfReach:
            return  # the next round of /hosts says so

    def _is_due(self, what: str, interval_s: float) -> bool:
        now_s = self._clock()
        if now_s < self._due.get(what, 0.0):
            return False
        self._due[what] = now_s + interval_s
        return True

    # each host's counters

    def _attend(self, hosts: set[str]) -> None:
        for host in [host for host, task in self._tasks.items() if task.done()]:
            error = self._tasks.pop(host).exception()
            self._store.put_failure(host, f"the console stumbled over its answer: {error!r}")
        for host in self._tasks.keys() - hosts:
            self._tasks.pop(host).cancel()
            self._hurry.pop(host, None)
            self._cost_s.pop(host, None)
        for host in hosts - self._tasks.keys():
            self._hurry[host] = asyncio.Event()
            self._tasks[host] = asyncio.create_task(self._keep_asking(host), name=f"poll {host}")

    async def _keep_asking(self, host: str) -> None:
        failures = 0
        await asyncio.sleep(0.3 * self._dice())
        while True:
            async with self._parallel:
                failures = 0 if await self._ask_stats(host) else failures + 1
            interval_s = self._interval_s(host, failures)
            self._store.expect(host, self._interval_s(host, 0))
            self._hurry[host].clear()
            try:
                async with asyncio.timeout(interval_s * (0.9 + 0.2 * self._dice())):
                    await self._hurry[host].wait()
            except TimeoutError:
                continue

    def _interval_s(self, host: str, failures: int) -> float:
        round_s = sum(cost_s for name, cost_s in self._cost_s.items() if name in self._on_screen)
        usual_s = max(ON_SCREEN_S, round_s / _SHARE) if host in self._on_screen else OFF_SCREEN_S
        longest_s = OFF_SCREEN_S if host in self._on_screen else _LONGEST_S
        return min(usual_s * 2 ** min(failures, 6), longest_s)

    async def _ask_stats(self, host: str) -> bool:
        address = self._addresses.get(host)
        if address is None:
            self._store.put_failure(host, "no agent is registered for it")
            return False
        key = (address, "/stats")
        try:
            answered = await self._agents.get(address, "/stats", self._etags.get(key, ""))
            if answered.document is not None:
                self._take(host, answered)
            self._etags[key] = answered.etag
            if self._is_due(f"children {host}", _PICTURE_S):
                listed = await self._agents.get(address, "/instances")
                if listed.document is not None:
                    self._store.put_children(host, parse_instances(listed.document))
        except OutOfReach as error:
            self._store.put_failure(host, error.why)
            self._etags.pop(key, None)
            return False
        return True

    def _take(self, host: str, answered: Answered) -> None:
        began_s = self._clock()
        answer = parse_stats(answered.document or {})
        if answer.host != host:
            msg = f"its address is answered by {answer.host or 'nobody who has a name'}"
            raise OutOfReach(msg)
        self._store.put_stats(host, answer, began_s)
        self._cost_s[host] = answered.spent_s + self._clock() - began_s
