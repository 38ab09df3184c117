"""`script/demo --tour` holds on the real fleet, leaves nothing behind, and fails when a step does not hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from h2o_console.dev.children import marked

_BROKEN = """
import sys
from examples.demo import __main__, tour
tour.expected = lambda: [("host-9", "service/customer", "9.9.9")]
tour._START_S = 2.0
sys.exit(__main__.main(["--tour"]))
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.timeout(120)
def test_the_tour_holds_and_leaves_nothing_behind() -> None:
    done = _run("-m", "examples.demo", "--tour")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "13 steps held" in done.stdout
    assert "no process is left behind" in done.stdout
    directory = re.search(r"ready after [0-9.]+ s in (\S+)", done.stdout)
    assert directory
    assert not Path(directory[1]).exists()
    assert marked(directory[1]) == []


@pytest.mark.timeout(120)
def test_a_step_that_does_not_hold_is_named_with_where_the_logs_are() -> None:
    done = _run("-c", _BROKEN)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "FAILED: step 2, Every package runs where it was put" in done.stderr
    directory = re.search(r"logs and files are in (\S+)", done.stderr)
    assert directory
    assert list(Path(directory[1]).rglob("*.log"))
    assert marked(directory[1]) == []
    shutil.rmtree(directory[1])


def test_without_a_terminal_the_demo_says_what_to_type() -> None:
    done = _run("-m", "examples.demo")
    assert done.returncode == 2
    assert "script/demo --tour" in done.stderr
