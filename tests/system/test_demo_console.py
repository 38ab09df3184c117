"""`script/demo` in a real terminal: the console shows the fleet, and when it goes, everything goes."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap"),
]


class Terminal:
    """The demo in a tmux of its own."""

    def __init__(self, directory: Path) -> None:
        self._socket = str(directory / "tmux")
        self._environ = {"PATH": "/usr/bin:/bin", "HOME": str(directory), "TMPDIR": str(directory), "LC_ALL": "C.UTF-8"}

    def __enter__(self) -> Self:
        command = f"exec {sys.executable} -m examples.demo"
        self._tmux("-f/dev/null", "new-session", "-d", "-x", "120", "-y", "30", command)
        self.pid = int(self._tmux("display-message", "-p", "#{pane_pid}"))
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(
            ["tmux", "-S", self._socket, "kill-server"], check=False, capture_output=True, env=self._environ, timeout=10
        )

    def _tmux(self, *arguments: str) -> str:
        argv = ["tmux", "-S", self._socket, *arguments]
        done = subprocess.run(argv, check=True, capture_output=True, text=True, env=self._environ, timeout=10)
        return done.stdout

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)


def _until(seen: Callable[[], bool], what: str, within_s: float) -> None:
    deadline_s = time.monotonic() + within_s
    while not seen():
        assert time.monotonic() < deadline_s, f"not within {within_s} s: {what}"
        time.sleep(0.1)


def _of_this_demo(directory: Path) -> list[str]:
    """Command lines that name the directory: brokers, agents and ZooKeeper do."""
    found: list[str] = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(directory / "h2o-demo-") in line:
            found.append(line)
    return found


def _shown(terminal: Terminal) -> None:
    _until(lambda: "service/payment" in terminal.screen(), "the packages on the screen", 60)


def test_quitting_the_console_stops_everything(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        _shown(terminal)
        assert len(_of_this_demo(tmp_path)) >= 7, "three agents, three brokers, ZooKeeper"
        demo = psutil.Process(terminal.pid)
        terminal.press("C-c")
        _until(lambda: not demo.is_running(), "the end of the demo", 30)
    assert _of_this_demo(tmp_path) == []
    assert list(tmp_path.glob("h2o-demo-*")) == []


def test_a_closed_terminal_stops_everything(tmp_path: Path) -> None:
    with Terminal(tmp_path) as terminal:
        _shown(terminal)
        demo = psutil.Process(terminal.pid)
    _until(lambda: not demo.is_running(), "the end of the demo", 30)
    assert _of_this_demo(tmp_path) == []
    assert list(tmp_path.glob("h2o-demo-*")) == []
