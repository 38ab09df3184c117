"""Looks for what is wrong: the store's picture every few seconds, what is found back into the store.

It runs in the feed's thread, in pieces, so that neither an answer nor a key waits for all of it. What a look costs is
measured: where one costs much, there are fewer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_console.feed.clocks import monotonic_s, thread_s
from h2o_console.store.assembled import Parts, picture_of
from h2o_console.store.insight import Insight
from h2o_core.insights.standing import Findings
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from h2o_console.store.fleet import Store
    from h2o_console.store.package_part import PackagePart
    from h2o_console.store.pictured import HostPart

OFTEN_S: Final = 2.0
SELDOM_S: Final = 10.0
"""Whatever it costs: triage is a matter of ten seconds."""
_SHARE: Final = 0.02
"""Of one core."""
_FIRST_S: Final = 0.3
PATIENCE_S: Final = 6.0
"""So long the first look waits for hosts that have not answered yet: nothing is known of them."""
_AT_ONCE: Final = 8


class Looker:
    """`run` ends only when it is cancelled."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = monotonic_s,
        wall: Callable[[], float] = unix_s,
        spent: Callable[[], float] = thread_s,
    ) -> None:
        """*clock* is the store's, *wall* gives Unix time, *spent* this thread's CPU seconds."""
        self._store = store
        self._clock = clock
        self._wall = wall
        self._spent = spent
        self._findings = Findings()
        self.began = asyncio.Event()
        """There are hosts to look at; they have answered, or have had the time to."""
        self._sooner = asyncio.Event()
        self._since_s = 0.0
        self._cost_s = 0.0

    async def run(self) -> None:
        """Look again and again."""
        latest_s = self._clock() + PATIENCE_S
        while True:
            if self._store.insight is None and not self._store.heard() and self._clock() < latest_s:
                await asyncio.sleep(_FIRST_S)
                continue
            if self._store.host_names():
                self.began.set()
            await self.look_safely()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.every_s):
                    await self._sooner.wait()
            self._sooner.clear()

    def hasten(self) -> None:
        """Look again at once: more is known than at the last look."""
        self._sooner.set()

    def take_over(self, store: Store) -> None:
        """Look at *store* from now on, which knows what the one before knew."""
        self._store = store

    async def look_safely(self) -> None:
        """Once; the store hears when it can't be done."""
        try:
            await self.look()
        except Exception as error:  # noqa: BLE001 - a picture that nobody has thought of must not end the asking
            self._store.put_blindness(f"the console stumbled over what it sees: {error!r}")

    @property
    def every_s(self) -> float:
        """How long it rests after a look."""
        return min(max(OFTEN_S, self._cost_s / _SHARE), SELDOM_S)

    async def look(self) -> None:
        """Once."""
        now_s, at_s, store = self._clock(), self._wall(), self._store
        self._cost_s, self._since_s = 0.0, self._spent()
        hosts: list[HostPart] = []
        for number, name in enumerate(store.host_names()):
            if (host := store.host_part(name, now_s)) is not None:
                hosts.append(host)
            if number % _AT_ONCE == 0:
                await self._let_others()
        packages: list[PackagePart] = []
        for number, name in enumerate(store.names()):
            if (package := store.package_part(name, now_s)) is not None:
                packages.append(package)
            if number % _AT_ONCE == 0:
                await self._let_others()
        decided = store.control
        control = None if decided is None else decided.for_insights()
        if decided is not None:
            self._findings.noted(decided.notes)
        picture = picture_of(Parts(hosts, packages, store.call_parts(now_s), control), store.past, at_s, now_s)
        await self._let_others()
        news = self._findings.see(picture)
        self._count()
        compared = store.past.reaches(now_s)
        store.put_insight(Insight(news, dict(self._findings.open), at_s, now_s, len(picture.hosts), compared))

    async def _let_others(self) -> None:
        self._count()
        await asyncio.sleep(0)
        self._since_s = self._spent()

    def _count(self) -> None:
        self._cost_s += self._spent() - self._since_s
