"""From foreign threads to the asyncio loop: one wake-up for many calls, and never 1 ms of them at a time."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from h2o_core.io.clock import monotonic_ns

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

_SLICE_NS: Final = 1_000_000


class Handover:
    """Calls are made on the loop in the order they were handed over."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._calls: deque[Callable[[], None]] = deque()
        self._armed = False

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on calls are made, on *loop*."""
        self._loop = loop

    def __call__(self, call: Callable[[], None]) -> None:
        """Hand *call* over; from any thread, also when the loop is gone (then nobody waits for it)."""
        self._calls.append(call)
        if self._loop is not None and not self._armed:
            self._armed = True
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._run)

    def _run(self) -> None:
        assert self._loop is not None
        self._armed = False  # before looking at the queue: who comes later arms again
        until_ns = monotonic_ns() + _SLICE_NS
        while self._calls:
            try:
                self._calls.popleft()()
            except Exception as error:  # noqa: BLE001 - one consumer's bug is not the next one's
                self._loop.call_exception_handler({"message": "a call handed over failed", "exception": error})
            if self._calls and monotonic_ns() > until_ns:
                self._armed = True
                self._loop.call_soon(self._run)
                return
