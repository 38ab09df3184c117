"""A program in a real terminal: a tmux server of its own, keys in, the screen out."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POLL_S = 0.05


class Terminal:
    """*command* (a shell's) in tmux; the server ends with the block. *directory* is its HOME."""

    def __init__(self, directory: Path, command: str, width: int = 120, height: int = 30, **environ: str) -> None:
        self._socket = str(directory / "tmux")
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
            **environ,
        }
        self._command = command
        self._size = ("-x", str(width), "-y", str(height))

    def __enter__(self) -> Self:
        self._tmux("-f/dev/null", "new-session", "-d", *self._size, self._command)
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(
            ["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True, env=self._environ, timeout=10
        )

    def _tmux(self, *arguments: str) -> str:
        argv = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, env=self._environ, timeout=10)
        return done.stdout

    @property
    def pid(self) -> int:
        """Of what runs in it."""
        return int(self.ask("#{pane_pid}"))

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def ask(self, form: str) -> str:
        return self._tmux("display-message", "-p", form).strip()

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def write(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def shows(self, *words: str, within_s: float = 10.0) -> str:
        """Wait until all *words* are on the screen; the screen."""
        return self.until(lambda screen: all(word in screen for word in words), f"shows {words}", within_s)

    def until(self, holds: Callable[[str], bool], what: str, within_s: float = 10.0) -> str:
        """Wait until the screen *holds*; the screen."""
        deadline_s = time.monotonic() + within_s
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline_s, f"not within {within_s} s: {what}\n{screen}"
            time.sleep(POLL_S)
        return screen
