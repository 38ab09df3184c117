"""A call from another thread than the link's: handed over to its loop, and its outcome back."""

from __future__ import annotations

from concurrent.futures import Future as ThreadFuture, InvalidStateError
from contextlib import suppress
from typing import TYPE_CHECKING

from h2o_core.errors import Code, Executed
from h2o_core.io.callsite import with_correlation
from h2o_core.io.waiting import Ended, Outcome

if TYPE_CHECKING:
    import asyncio

    from h2o_core.io.link import Link


def hand_over(link: Link, frame: bytes, deadline_ns: int) -> ThreadFuture[Outcome]:
    """Submit *frame* on the link's own loop; cancelling the result abandons the call there."""
    handed: ThreadFuture[Outcome] = ThreadFuture()

    def submit() -> None:
        if handed.cancelled():
            return
        correlation = link.next_correlation()
        waiting = link.submit(correlation, with_correlation(frame, correlation), deadline_ns)
        waiting.add_done_callback(answered)
        handed.add_done_callback(lambda done: abandon(correlation) if done.cancelled() else None)

    def answered(waiting: asyncio.Future[Outcome]) -> None:
        with suppress(InvalidStateError):  # cancelled by the other thread in this very moment
            handed.set_result(waiting.result())

    def abandon(correlation: int) -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile, and the link with it
            link.loop.call_soon_threadsafe(link.abandon, correlation)

    try:
        link.loop.call_soon_threadsafe(submit)
    except RuntimeError:
        closed = Ended(Code.UNAVAILABLE, Executed.NO, "the event loop of this client is closed; nothing was sent")
        handed.set_result(closed)
    return handed
