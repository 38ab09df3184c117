"""The poller in a thread of its own: what it asks and parses never stands between a key and its answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from h2o_console.feed.agents import OutOfReach

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.feed.poller import Poller

T = TypeVar("T")
NAME: Final = "h2o-feed"
"""As the operating system shows it (`top -H`), where that can be told: Linux."""
_STOP_S: Final = 3.0


class FeedThread:
    """`start` it once; it ends with `stop`. `error`: what ended it otherwise."""

    def __init__(self, poller: Poller) -> None:
        self.error: BaseException | None = None
        self._poller = poller
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._on_screen: frozenset[str] = frozenset()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=NAME, daemon=True)

    def start(self) -> None:
        """Ask from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Stop asking; waits until it has. Idempotent."""
        self._stopping.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with suppress(RuntimeError):  # it has just ended by itself
                loop.call_soon_threadsafe(task.cancel)
        self._thread.join(_STOP_S)

    def look_at(self, hosts: Iterable[str]) -> None:
        """These hosts are on screen."""
        wanted = frozenset(hosts)
        loop = self._loop
        if wanted != self._on_screen and loop is not None and not loop.is_closed():
            self._on_screen = wanted
            with suppress(RuntimeError):  # it is being stopped
                loop.call_soon_threadsafe(self._poller.look_at, wanted)

    def agents(self) -> Mapping[str, tuple[str, str]]:
        """Host → its agent's address, and the token that opens it ("" for a Unix socket)."""
        return self._poller.agents()

    def ask(self, host: str, path: str) -> Future[Mapping[str, Any]]:
        """What *host*'s agent answers at *path*; the future raises OutOfReach."""
        return self._begin(self._poller.document(host, path))

    def read(self, host: str, path: str, take: Callable[[bytes], T]) -> Future[T]:
        """What *take* makes, in this thread, of the protobuf that *host*'s agent answers at *path*.

        The future raises OutOfReach, and what *take* raises.
        """
        return self._begin(self._poller.read(host, path, take))

    def _begin(self, question: Coroutine[Any, Any, T]) -> Future[T]:
        loop = self._loop
        if loop is None or loop.is_closed():
            question.close()
            failed: Future[T] = Future()
            failed.set_exception(OutOfReach("the console has not begun to ask"))
            return failed
        return asyncio.run_coroutine_threadsafe(question, loop)

    def _run(self) -> None:
        name_thread(NAME)
        try:
            asyncio.run(self._main())
        except asyncio.CancelledError:
            return
        except BaseException as error:  # noqa: BLE001 - told to the application, which ends with it
            self.error = error

    async def _main(self) -> None:
        self._task = asyncio.create_task(self._poller.run())
        self._loop = asyncio.get_running_loop()
        if self._stopping.is_set():  # before there was anything to cancel
            self._task.cancel()
        await self._task


def name_thread(name: str) -> None:
    """Call the thread that this is called in *name*, where that can be told."""
    with suppress(OSError):
        Path(f"/proc/self/task/{threading.get_native_id()}/comm").write_text(name)
