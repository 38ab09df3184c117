"""Event loops: uvloop where it is installed, and a loop in a thread of its own for `with Client()`."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

Result = TypeVar("Result")


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop's when it is there, asyncio's otherwise, or with ``H2O_LOOP=asyncio``."""
    if os.environ.get("H2O_LOOP") != "asyncio":
        try:
            import uvloop  # noqa: PLC0415 - optional: not on every platform
        except ImportError:
            pass
        else:
            return uvloop.new_event_loop()
    return asyncio.new_event_loop()


class LoopThread:
    """A loop that runs in a daemon thread until it is stopped."""

    def __init__(self) -> None:
        self.loop = new_event_loop()
        self._thread = Thread(target=self._run, name="h2o-client", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run *coroutine* there and wait for its result."""
        done: Future[Result] = asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        return done.result()

    def stop(self) -> None:
        """End the loop and wait for its thread."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
