"""`script/demo` in a real terminal: the console shows the fleet, and when it goes, everything goes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.broker import eventually
from tests.support.terminal import Terminal

SCRIPT = Path(__file__).parents[2] / "script" / "h2o"
pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap"),
]


def _demo(directory: Path) -> Terminal:
    """The demo, which makes its own directories below *directory*."""
    return Terminal(directory, f"exec {sys.executable} -m examples.demo", TMPDIR=str(directory))


def _of_this_demo(directory: Path) -> list[str]:
    """Command lines that name the directory: brokers, agents and ZooKeeper do."""
    found: list[str] = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(directory / "h2o-demo-") in line:
            found.append(line)
    return found


def _beside(*arguments: str, tmp: Path) -> subprocess.CompletedProcess[str]:
    """`script/h2o` in a second terminal."""
    environ = {**os.environ, "TMPDIR": str(tmp)}
    return subprocess.run([SCRIPT, *arguments], env=environ, capture_output=True, text=True, timeout=30, check=False)


def test_without_a_demo_the_second_terminal_is_told_to_start_one(tmp_path: Path) -> None:
    alone = _beside("list", tmp=tmp_path)
    assert (alone.returncode, "script/demo" in alone.stderr) == (4, True)


def test_quitting_the_console_stops_everything(tmp_path: Path) -> None:
    with _demo(tmp_path) as terminal:
        terminal.shows("triage", "3 hosts", "zk ok", within_s=60)
        assert len(_of_this_demo(tmp_path)) >= 7, "three agents, three brokers, ZooKeeper"
        beside = _beside("weight", "service/customer", "2.0.0=10%", "--yes", tmp=tmp_path)
        assert (beside.returncode, "applied by all 3 brokers" in beside.stderr) == (0, True), beside
        demo = psutil.Process(terminal.pid)
        terminal.press("C-c")
        eventually(lambda: not demo.is_running(), "the end of the demo", within_s=30)
    assert _of_this_demo(tmp_path) == []
    assert list(tmp_path.glob("h2o-demo-*")) == []


def test_a_closed_terminal_stops_everything(tmp_path: Path) -> None:
    with _demo(tmp_path) as terminal:
        terminal.shows("triage", "3 hosts", "zk ok", within_s=60)
        demo = psutil.Process(terminal.pid)
    eventually(lambda: not demo.is_running(), "the end of the demo", within_s=30)
    assert _of_this_demo(tmp_path) == []
    assert list(tmp_path.glob("h2o-demo-*")) == []
