"""Keeps the store fresh: asks the context's agent for the fleet, and each host's agent for its counters.

Hosts on screen are asked each second (more rarely when that would cost too much), the others every 5 s, with
jitter; who does not answer is asked ever more rarely (30 s at most, 5 s while on screen). A slow host holds
up nobody: each question has its own time-out, and at most `PARALLEL` are under way.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from h2o_console.feed.agents import Agents, OutOfReach
from h2o_console.feed.clocks import monotonic_s, thread_s
from h2o_console.feed.intake import Intake
from h2o_console.feed.looking import Looker
from h2o_console.feed.recalling import Recall
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from h2o_console.feed.intake import Tap
    from h2o_console.store.fleet import Store

ON_SCREEN_S: Final = 1.0
OFF_SCREEN_S: Final = 5.0
_HOSTS_S: Final = 2.0
_PICTURE_S: Final = 5.0
_PICTURE_AGAIN_S: Final = 60.0
"""Although its version has stayed the same: who lists an agent's address, for one, is not in it."""
_PROMISES_S: Final = 30.0
_HOME_AGAIN_S: Final = 10.0
_LONGEST_S: Final = 30.0
PARALLEL: Final = 16
_SHARE: Final = 0.07
"""Of one core, for asking the hosts on screen: in a fleet that costs more, each is asked more rarely."""
_TURN_S: Final = 0.05
_REST_S: Final = 0.25
"""So long it may do nothing while nobody is due: waking up is most of what a small fleet that is quiet costs."""
_FIRST_S: Final = 0.3
_FIRST_ANSWERS: Final = 3
_NO_SUCH_PATH: Final = 404
_NO_AGENT: Final = "no agent is registered for it"
T = TypeVar("T")


@dataclass(slots=True)
class _Asked:
    """One host: when it is to be asked, and what is known from the last time."""

    due_s: float
    failures: int = 0
    answers: int = 0
    etag: str = ""
    address: str = ""
    task: asyncio.Task[None] | None = None


class Poller:
    """`run` ends only when it is cancelled. *tap* hears all answers as they come."""

    def __init__(
        self,
        store: Store,
        agent: str,
        *,
        timeout_s: float = 2.0,
        token: str = "",
        clock: Callable[[], float] = monotonic_s,
        dice: Callable[[], float] = random.random,
        tap: Tap | None = None,
    ) -> None:
        self._store = store
        self._intake = Intake(store, tap)
        self._home = agent
        self._agents = Agents(timeout_s, token)
        self._token = token
        self._clock = clock
        self._dice = dice
        self._on_screen: frozenset[str] = frozenset()
        self._hurry = asyncio.Event()
        self._asked: dict[str, _Asked] = {}
        self._under_way = 0
        self._cost = _Cost()
        self._addresses: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._detour = ""
        self._home_failure: OutOfReach | None = None
        self._control = _Asked(0.0)
        self._looker = Looker(store, clock)
        self._told_by = ""
        self._picture: tuple[int, int] | None = None
        """(incarnation, version) of the newest picture that the asked agent's broker has."""
        self._fetched: tuple[int, int] | None = None

    def look_at(self, hosts: Iterable[str]) -> None:
        """These hosts are on screen now: ask them each second."""
        wanted, now_s = frozenset(hosts), self._clock()
        for host in wanted - self._on_screen:
            if (asked := self._asked.get(host)) is not None and not asked.failures:
                asked.due_s = min(asked.due_s, now_s)
        self._on_screen = wanted
        self._hurry.set()

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Host → its agent's address, and the token that opens it ("" for a Unix socket)."""
        addresses = self._addresses  # replaced as a whole, never changed: another thread may ask
        return {host: (at, "" if at.startswith("unix:") else self._token) for host, at in addresses.items()}

    async def document(self, host: str, path: str) -> Mapping[str, Any]:
        """What *host*'s own agent answers at *path*, a JSON object; raises OutOfReach."""
        return await self._agents.document(self._address(host), path)

    async def read(self, host: str, path: str, take: Callable[[bytes], T]) -> T:
        """What *take* makes of the protobuf that *host*'s own agent answers at *path*; raises OutOfReach."""
        body, _ = await self._agents.message(self._address(host), path)
        return take(body or b"")

    def _address(self, host: str) -> str:
        if (address := self._addresses.get(host)) is None:
            raise OutOfReach(_NO_AGENT)
        return address

    async def run(self) -> None:
        """Ask until cancelled."""
        fleet = asyncio.create_task(self._keep_fleet())
        looking = asyncio.create_task(self._looker.run())
        recalling = asyncio.create_task(self._recall())
        try:
            while not fleet.done():
                self._turn()
                self._store.prepare(self._clock(), 0.9 * self._on_screen_s())
                await self._rest()
            fleet.result()
        finally:
            asking = [asked.task for asked in self._asked.values() if asked.task is not None]
            tasks = [fleet, looking, recalling, *asking]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._agents.close()

    async def _rest(self) -> None:
        """Until somebody is due, or looks elsewhere."""
        now_s = self._clock()
        due_s = min((asked.due_s for asked in self._asked.values() if asked.task is None), default=now_s + _REST_S)
        if due_s - now_s <= _TURN_S or self._under_way >= PARALLEL:
            await asyncio.sleep(_TURN_S)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(min(due_s - now_s, _REST_S)):
                await self._hurry.wait()
        self._hurry.clear()

    async def _recall(self) -> None:
        """What hosts remember of the time before; then look again with that."""
        await self._looker.began.wait()
        well = [host for host, asked in self._asked.items() if not asked.failures]
        await Recall(self._remembered, self._intake, self._clock, unix_s).run(well)
        self._looker.hasten()

    async def _remembered(self, host: str, path: str) -> bytes:
        return await self.read(host, path, bytes)

    # the fleet's picture

    async def _keep_fleet(self) -> None:
        while True:
            await self._ask_fleet()
            await asyncio.sleep(_HOSTS_S * (0.9 + 0.2 * self._dice()))

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
            await self._ask_control(address)
            await self._ask_more(address)
            return
        if (failure := self._home_failure) is not None:
            self._intake.trouble(self._home, failure.why, failure.hint, self._clock())

    def _candidates(self) -> list[str]:
        others = [address for address in self._addresses.values() if address not in {self._home, self._detour}]
        if not self._detour:
            return [self._home, *others]
        home_first = self._is_due("home", _HOME_AGAIN_S)
        return [self._home, self._detour, *others] if home_first else [self._detour, *others, self._home]

    async def _ask_hosts(self, address: str) -> None:
        body = await self._agents.text(address, "/hosts")
        failure = self._home_failure if address != self._home else None
        detour = f"{self._home}: {failure.why}" if failure else ""
        head, hosts = self._intake.hosts(address, body, self._clock(), detour)
        self._home_failure = failure
        addresses = {host.host: host.agent for host in hosts if host.agent}
        if head.host and address == self._home:
            addresses[head.host] = self._home
        self._addresses = addresses
        if head.host != self._told_by:
            self._told_by, self._picture, self._fetched = head.host, None, None
        self._attend({host.host for host in hosts})

    async def _ask_more(self, address: str) -> None:
        try:
            if self._wants_picture():
                wanted = self._picture
                self._intake.instances(await self._agents.text(address, "/instances?fleet=1"), self._clock())
                self._fetched = wanted
                self._due["picture again"] = self._clock() + _PICTURE_AGAIN_S
            if self._is_due("promises", _PROMISES_S):
                self._intake.promises(await self._agents.text(address, "/features?fleet=1"), self._clock())
        except OutOfReach:
            return  # the next round of /hosts says so

    async def _ask_control(self, address: str) -> None:
        """What is decided. When it can't be had, what is known grows old, but of an older agent: that never tells."""
        asked = self._control
        if asked.address != address:
            asked.address, asked.etag = address, ""
        try:
            body, asked.etag = await self._agents.text_since(address, "/control", asked.etag)
            if body is None:
                self._intake.control_stands(self._clock())
            else:
                self._intake.control(body, self._clock())
        except OutOfReach as error:
            asked.etag = ""
            if error.status == _NO_SUCH_PATH:
                self._intake.no_control(self._clock())

    def _wants_picture(self) -> bool:
        """Its version is another one, or unknown: the agent that is asked does not answer for its own host."""
        same = self._picture is not None and self._picture == self._fetched
        if same and self._clock() < self._due.get("picture again", 0.0):
            return False
        return self._is_due("picture", _PICTURE_S)

    def _is_due(self, what: str, interval_s: float) -> bool:
        now_s = self._clock()
        if now_s < self._due.get(what, 0.0):
            return False
        self._due[what] = now_s + interval_s
        return True

    # each host's counters

    def _attend(self, hosts: set[str]) -> None:
        now_s = self._clock()
        for host in self._asked.keys() - hosts:
            asked = self._asked.pop(host)
            if asked.task is not None:
                asked.task.cancel()
            self._agents.forget(asked.address)
        for host in hosts - self._asked.keys():
            self._asked[host] = _Asked(now_s + _FIRST_S * self._dice())

    def _turn(self) -> None:
        """Ask those whose turn it is, the most overdue first."""
        now_s = self._clock()
        self._cost.measure(now_s, thread_s())
        due = [
            (asked.due_s, host) for host, asked in self._asked.items() if asked.due_s <= now_s and asked.task is None
        ]
        for _, host in sorted(due)[: PARALLEL - self._under_way]:
            self._under_way += 1
            self._asked[host].task = asyncio.create_task(self._ask(host, self._asked[host]), name=f"poll {host}")

    async def _ask(self, host: str, asked: _Asked) -> None:
        try:
            good = await self._ask_stats(host, asked)
            asked.failures = 0 if good else asked.failures + 1
        except OutOfReach as error:
            self._fail(host, asked, error.why)
        except Exception as error:  # noqa: BLE001 - one host's answer must not end the asking of all others
            self._fail(host, asked, f"the console stumbled over its answer: {error!r}")
        finally:
            self._under_way -= 1
            self._cost.answers += 1
            asked.task = None
            asked.due_s = self._clock() + self._rest_s(host, asked) * (0.9 + 0.2 * self._dice())
            self._intake.expect(host, self._interval_s(host, 0), self._clock())

    def _fail(self, host: str, asked: _Asked, why: str) -> None:
        asked.failures += 1
        asked.etag = ""
        self._intake.failure(host, why, self._clock())

    def _rest_s(self, host: str, asked: _Asked) -> float:
        """Until it is asked again: in a small fleet soon, the first times, because a rate is a difference."""
        if asked.failures or self._store.thrifty or asked.answers >= _FIRST_ANSWERS:
            return self._interval_s(host, asked.failures)
        asked.answers += 1
        return ON_SCREEN_S

    def _interval_s(self, host: str, failures: int) -> float:
        on_screen = host in self._on_screen
        usual_s = self._on_screen_s() if on_screen else OFF_SCREEN_S
        longest_s = OFF_SCREEN_S if on_screen else _LONGEST_S
        return min(usual_s * 2 ** min(failures, 6), longest_s)

    def _on_screen_s(self) -> float:
        """How often hosts on screen are asked."""
        return min(max(ON_SCREEN_S, len(self._on_screen) * self._cost.answer_s / _SHARE), OFF_SCREEN_S)

    async def _ask_stats(self, host: str, asked: _Asked) -> bool:
        address = self._address(host)
        if asked.address != address:
            self._agents.forget(asked.address)
            asked.address, asked.etag = address, ""
        body, etag = await self._agents.message(address, "/stats", asked.etag)
        if body is None:
            self._intake.still(host, self._clock())
            return True
        stats = self._intake.stats(host, body, self._clock())
        asked.etag = etag if etag.startswith("W/") else ""
        if host == self._told_by and stats.HasField("report"):
            self._picture = stats.report.incarnation, stats.report.picture_version
        return not stats.broker_problem


class _Cost:
    """What an answer costs this thread, all included: its CPU time by the answers, smoothed over some seconds."""

    def __init__(self) -> None:
        self.answers = 0
        self.answer_s = 0.0
        self._since_s = 0.0
        self._spent_s = 0.0

    def measure(self, now_s: float, spent_s: float) -> None:
        """Once in a second or so."""
        if now_s - self._since_s < ON_SCREEN_S:
            return
        if self.answers:
            mean_s = (spent_s - self._spent_s) / self.answers
            self.answer_s = 0.7 * self.answer_s + 0.3 * mean_s if self.answer_s else mean_s
        self._since_s, self._spent_s, self.answers = now_s, spent_s, 0
