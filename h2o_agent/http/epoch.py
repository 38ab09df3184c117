"""`/epoch`, and `/epoch?at_least=E&timeout=S`, which answers as soon as the broker applies that change.

While nobody waits nothing is done for it; while anybody does, the broker is asked five times a second for all of them.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_agent.http.answers import Unavailable, answer, error, told
from h2o_agent.http.described import Described, Parameter
from h2o_agent.views.head import head, moment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source

DEFAULT_S: Final = 5.0
MOST_S: Final = 60.0
_LOOK_S: Final = 0.2
_MOST_DIGITS: Final = 18


def routes(source: Source) -> list[Described]:
    """The one."""
    waiting = _Waiting(source)

    async def epoch(request: Request) -> Response:
        wanted, timeout_s = request.query_params.get("at_least"), request.query_params.get("timeout")
        if wanted is None and timeout_s is None:
            await source.refresh()
            return _answer(source, reached=None)
        try:
            at_least, within_s = _whole(wanted), _seconds(timeout_s)
        except ValueError as problem:
            return error(400, str(problem), "ask: /epoch?at_least=42&timeout=5")
        told(source)  # without a broker there is nobody to wait for
        return _answer(source, reached=await waiting.until(at_least, within_s))

    query = (
        Parameter("at_least", "Answer when the broker applies this one.", "integer"),
        Parameter("timeout", f"After so many seconds at the latest: {DEFAULT_S:g}, at most {MOST_S:g}.", "number"),
    )
    says = "Which control change the broker applies"
    return [Described("/epoch", epoch, says, query=query, schema="epoch", also=(400, 408, 503))]


def _answer(source: Source, *, reached: bool | None) -> Response:
    """408 when it was waited for in vain, so that `curl -f` and the like see it in their exit status."""
    snapshot, said = told(source)
    report = said.report
    document = {
        **head(snapshot, said),
        "epoch": max(report.epoch_seen, report.epoch),
        "applied": report.epoch,
        "except": list(report.unapplied),
        "vanished": [{"host": one.host, "since": moment(one.since_s)} for one in report.register.vanished],
    }
    if reached is not None:
        document["reached"] = reached
    return answer(document, 408 if reached is False else 200)


def _whole(said: str | None) -> int:
    if said is None or not said.isascii() or not said.isdigit() or len(said) > _MOST_DIGITS:
        msg = "at_least is an epoch: a whole number"
        raise ValueError(msg)
    return int(said)


def _seconds(said: str | None) -> float:
    msg = f"timeout is a number of seconds, at most {MOST_S:g}"
    try:
        seconds = DEFAULT_S if said is None else float(said)
    except ValueError:
        raise ValueError(msg) from None
    if not 0 <= seconds <= MOST_S:
        raise ValueError(msg)
    return seconds


class _Waiting:
    """Everybody who waits for an epoch, and the one task that looks for them."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._waiters = 0
        self._looked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    async def until(self, at_least: int, within_s: float) -> bool:
        """The broker applies *at_least*, or it did not within the time."""
        self._waiters += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while not self._applies(at_least):
                        await self._looked.wait()
            return self._applies(at_least)
        finally:
            self._waiters -= 1

    def _applies(self, at_least: int) -> bool:
        try:
            return told(self._source)[1].report.epoch >= at_least
        except Unavailable:  # it may be back in time
            return False

    async def _look(self) -> None:
        try:
            while self._waiters:
                await self._source.refresh()
                looked, self._looked = self._looked, asyncio.Event()
                looked.set()
                await asyncio.sleep(_LOOK_S)
        finally:
            self._looking = None
