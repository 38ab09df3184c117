"""The logs that somebody looks at: read in the console's own loop, kept in a buffer until the screen takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from h2o_console.logs.reading import Places, follow, read
from h2o_console.rows.log_buffer import LogBuffer
from h2o_core.io.clock import unix_s

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from h2o_console.logs.entries import Batch
    from h2o_console.logs.question import Question, Target
    from h2o_console.rows.places import Kind, Place

_LOOK_S: Final = 2.0
_BREATH: Final = 0.5
"""Of the time that lines cost, so much is left to the rest of the console after each batch."""


class Tail:
    """Follows one question. `targets` is asked again and again: hosts may come."""

    def __init__(self, question: Question, of: Kind | None, targets: Callable[[], Sequence[Target]]) -> None:
        self.question = question
        self.buffer = LogBuffer(of)
        self.hosts: tuple[str, ...] = ()
        self.read = False
        """All that was there has come."""
        self.trouble = ""
        self._targets = targets
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="logs")

    def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._read()
        except Exception as error:  # noqa: BLE001 - whatever it was is told where the lines would stand
            self.trouble = f"the console stumbled over these logs: {error!r}"

    async def _read(self) -> None:
        places, known = Places(), dict[str, "Target"]()
        while True:
            known |= {target.host: target for target in self._targets()}
            targets = tuple(known.values())
            self.hosts = tuple(known)
            if not self.read and targets:
                await self._take(read(targets, self.question, places))
                self.read = True
            reading = asyncio.create_task(self._take(follow(targets, self.question, places)))
            try:
                while all(target.host in known for target in self._targets()):
                    await asyncio.wait([reading], timeout=_LOOK_S)
                    if reading.done():
                        reading.result()
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _take(self, batches: AsyncGenerator[Batch]) -> None:
        loop = asyncio.get_running_loop()
        async with aclosing(batches):
            async for batch in batches:
                began_s = loop.time()
                self.buffer.add(batch.lines, batch.notices, unix_s())
                await asyncio.sleep((loop.time() - began_s) * _BREATH)


class Tails:
    """Those of the places on the way to the screen that is seen: one that nobody can go back to is read no more."""

    def __init__(self) -> None:
        self._tails: dict[Place, Tail] = {}

    def of(self, place: Place) -> Tail | None:
        """The place's."""
        return self._tails.get(place)

    def put(self, place: Place, tail: Tail) -> None:
        """The place's, from now on."""
        if (before := self._tails.get(place)) is not None:
            before.stop()
        self._tails[place] = tail

    def keep(self, places: Iterable[Place]) -> None:
        """Stop all others."""
        for place in self._tails.keys() - set(places):
            self._tails.pop(place).stop()
