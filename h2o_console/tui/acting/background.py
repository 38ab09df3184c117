"""Work that blocks, in threads of its own: the screen goes on meanwhile, and hears what came of it in its own turn."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from textual.app import App

Result = TypeVar("Result")


class Background:
    """Of one app. Threads are daemons: whoever quits waits for nothing but what is being written."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app

    def run(
        self,
        name: str,
        work: Callable[[], Result],
        done: Callable[[Result], None],
        failed: Callable[[Exception], None],
    ) -> threading.Thread:
        """*done* or *failed* are called in the app's loop, unless it has ended by then."""

        def whole() -> None:
            try:
                result = work()
            except Exception as error:  # noqa: BLE001 - whatever it was is told on the screen
                self.tell(lambda error=error: failed(error))
            else:
                self.tell(lambda: done(result))

        thread = threading.Thread(target=whole, name=name, daemon=True)
        thread.start()
        return thread

    def tell(self, what: Callable[[], None]) -> None:
        """From a thread: call *what* in the app's loop."""
        with suppress(RuntimeError):  # the loop has ended, and with it who would want to know
            self._app.call_later(what)
