"""h2o-console --replay in a real terminal: a file handed over, what the console kept by itself, and neither."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from tests.console.fake_fleet import example
from tests.console.test_incident import INCIDENT
from tests.system.test_console_tmux import console, serving

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap"),
]


def _own(directory: Path, name: str) -> Path:
    """Each terminal has a directory of its own, and a tmux."""
    made = directory / name
    made.mkdir()
    return made


def test_an_incident_that_was_handed_over_is_looked_at_again(tmp_path: Path) -> None:
    with console(tmp_path, "--replay", str(INCIDENT), "--at", "09:53:30", width=140) as terminal:
        terminal.shows("REPLAY 09:53:3", "service/customer 2.1.0", "roll back", within_s=20)
        terminal.press("z")
        terminal.shows("paused")
        terminal.press("a")
        terminal.shows("this is a recording: nothing can be changed from here")
        terminal.press("<")
        terminal.shows("REPLAY 09:52:1")
        terminal.until(lambda screen: "service/customer 2.1.0" not in screen, "the time before the release")
        terminal.press(":")
        terminal.write("at 09:53:50")
        terminal.press("Enter")
        terminal.shows("REPLAY 09:53:50", "service/customer 2.1.0")
        terminal.press(":")
        terminal.write("q")
        terminal.press("Enter")
        terminal.shows("exit=0=")


def test_what_a_console_heard_is_kept_and_played_by_the_next(tmp_path: Path) -> None:
    fleet = example(3, 12, now_s=time.time())
    with serving(fleet) as served:
        agent, state = served.address("host-1"), str(tmp_path / "state")
        with console(_own(tmp_path, "first"), "--agent", agent, XDG_STATE_HOME=state) as terminal:
            terminal.shows("3 hosts", "zk ok", within_s=20)
            terminal.press("2")
            terminal.shows("api/customer")
            terminal.press(":")
            terminal.write("record")
            terminal.press("Enter")
            terminal.shows("the last 6 h are kept in")
            terminal.press("C-c")
            terminal.shows("exit=0=")
    second = _own(tmp_path, "second")
    with console(second, "--agent", agent, "--replay", "last", XDG_STATE_HOME=state) as terminal:  # nobody answers now
        terminal.shows("REPLAY", "3 hosts", within_s=20)
        terminal.press("2")
        terminal.shows("api/customer", "at its end")


def test_what_is_no_recording_is_said_on_the_terminal(tmp_path: Path) -> None:
    foreign = tmp_path / "notes.txt"
    foreign.write_text("hello")
    with console(_own(tmp_path, "first"), "--replay", str(foreign), width=200) as terminal:
        terminal.shows("notes.txt can't be played: it is no recording of the console", "exit=2=")
    second = _own(tmp_path, "second")
    with console(second, "--agent", "127.0.0.1:1", "--replay", "last", width=200) as terminal:
        terminal.shows("nothing is recorded of this fleet yet", "exit=2=")
