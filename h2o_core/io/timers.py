"""A few named timers on one loop: setting one again replaces it, closing forgets them all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Timers:
    """Name → what happens next under that name."""

    __slots__ = ("_closed", "_handles", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._handles: dict[str, asyncio.TimerHandle] = {}
        self._closed = False

    def __contains__(self, name: str) -> bool:
        return name in self._handles

    def set(self, name: str, delay_s: float, action: Callable[[], None]) -> None:
        """Run *action* in *delay_s* instead of what was set under *name*."""
        self.drop(name)
        if not self._closed:
            self._handles[name] = self._loop.call_later(delay_s, self._fire, name, action)

    def drop(self, name: str) -> None:
        """Forget the timer; unknown ones are ignored."""
        handle = self._handles.pop(name, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, name: str, action: Callable[[], None]) -> None:
        del self._handles[name]
        action()

    def close(self) -> None:
        """Forget all timers, also those that would be set later."""
        self._closed = True
        for name in list(self._handles):
            self.drop(name)
