"""A program in a pseudo-terminal of its own: keys go in, what it paints is timed, counted and put on a screen."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Final, Self, TypeVar

from bench.children import BenchError
from bench.console.screen import Screen

T = TypeVar("T")
_CHUNK: Final = 1 << 16
_STOP_S: Final = 5.0


class Terminal:
    """*argv* runs while the block lasts. Its output is read by a thread, so that it never waits for us."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], width: int = 160, height: int = 48) -> None:
        self._argv, self._env = argv, env
        self.screen = Screen(width, height)
        self.written = 0
        """Bytes that it has written."""
        self._changed = threading.Condition()
        self._read_ns = 0

    def __enter__(self) -> Self:
        self._own, theirs = pty.openpty()
        size = struct.pack("HHHH", self.screen.height, self.screen.width, 0, 0)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
        self.started_ns = time.perf_counter_ns()
        self._process = subprocess.Popen(
            self._argv, env=self._env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_S)
        self._process.kill()
        self._process.wait()
        self._reader.join(_STOP_S)
        os.close(self._own)

    @property
    def pid(self) -> int:
        """Of the program."""
        return self._process.pid

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._own, _CHUNK)
            except OSError:  # EIO: nobody has the other end any more
                return
            read_ns = time.perf_counter_ns()
            with self._changed:
                self.screen.feed(data)
                self.written += len(data)
                self._read_ns = read_ns
                self._changed.notify_all()

    def press(self, key: str) -> None:
        """Type *key*."""
        os.write(self._own, key.encode())

    def look(self, at: Callable[[Screen], T]) -> T:
        """What *at* sees on the screen, while nothing moves on it."""
        with self._changed:
            return at(self.screen)

    def until(self, holds: Callable[[Screen], bool], what: str, within_s: float) -> int:
        """When (perf_counter, ns) the output came with which *holds* became true; raises BenchError."""
        give_up_s = time.monotonic() + within_s
        with self._changed:
            while not holds(self.screen):
                left_s = give_up_s - time.monotonic()
                if left_s <= 0 or (self._process.poll() is not None and not self._changed.wait(0.2)):
                    msg = f"waited {within_s:g} s in vain for {what}; the screen:\n{self.screen.text()}"
                    raise BenchError(msg)
                self._changed.wait(min(left_s, 0.5))
            return self._read_ns
