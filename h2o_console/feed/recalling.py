"""Asks hosts once what they remember: a console that is opened in the middle of an incident has not seen how it was.

A few at a time, beside what is asked all the time, and no more of them than it may cost: what nobody told is unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.clocks import thread_s
from h2o_console.store.past import PAST_S
from h2o_console.store.recalled import SLOT_S

if TYPE_CHECKING:
    from h2o_console.feed.intake import Intake

_AT_ONCE: Final = 4
_MOST_S: Final = 0.75
"""Of CPU time, for reading what they tell: 250 hosts take half of it."""
_PATIENCE_S: Final = 1.0
"""A host's questions wait for one another: this one holds up none until it would count as silence."""
Ask = Callable[[str, str], Awaitable[bytes]]
"""Host, path → the answer; raises OutOfReach."""


class Recall:
    """*clock* is the store's, *wall* gives Unix time, *spent* this thread's CPU seconds."""

    def __init__(
        self,
        ask: Ask,
        intake: Intake,
        clock: Callable[[], float],
        wall: Callable[[], float],
        spent: Callable[[], float] = thread_s,
    ) -> None:
        self._ask = ask
        self._intake = intake
        self._clock = clock
        self._wall = wall
        self._spent = spent
        self._cost_s = 0.0

    async def run(self, hosts: Iterable[str]) -> None:
        """Ask each of *hosts*; who has nothing to tell, or not in time, is left out."""
        waiting = iter(hosts)

        async def some() -> None:
            for host in waiting:
                if self._cost_s >= _MOST_S:
                    return
                await self._one(host)

        await asyncio.gather(*(some() for _ in range(_AT_ONCE)))

    async def _one(self, host: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                body = await self._ask(host, self._path())
            began_s = self._spent()
            self._intake.history(host, body, self._clock())
            self._cost_s += self._spent() - began_s
        except (OutOfReach, TimeoutError):
            return

    def _path(self) -> str:
        since_s = max(self._wall() - PAST_S, 0.0)
        query = {"resolution": f"{SLOT_S:.0f}s", "kind": "package", "since": f"{since_s:.0f}"}
        return f"/history?{urlencode(query)}"
