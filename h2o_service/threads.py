"""Daemon threads for plain functions: started when needed, never more than asked for.

Not `ThreadPoolExecutor`: that waits at exit for a handler that never returns, and a package must be able
to leave.
"""

from __future__ import annotations

from queue import SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Threads:
    """Up to *size* threads that run what they are given, in order of arrival."""

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self.started = 0
        self._name = name
        self._idle = 0
        self._lock = Lock()
        self._work: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(self, work: Callable[[], None]) -> None:
        """Run *work*, which must not raise, as soon as a thread is free."""
        with self._lock:
            if self._idle:
                self._idle -= 1  # promised to this piece of work
            elif self.started < self.size:
                self.started += 1
                Thread(target=self._run, name=f"{self._name}-{self.started}", daemon=True).start()
        self._work.put(work)

    def _run(self) -> None:
        while True:
            self._work.get()()
            with self._lock:
                self._idle += 1
