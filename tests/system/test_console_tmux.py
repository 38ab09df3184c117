"""h2o-console in a real terminal (tmux): first against a made-up fleet over real HTTP, then against a real one."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_core.io.client import Client
from tests.console.fake_fleet import FakeFleet, FleetServer, example
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator

    from h2o_console.dev.fleet import Fleet

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap"),
]
ROOT = Path(__file__).parents[2]


def console(directory: Path, *arguments: str, width: int = 120, height: int = 30, **environ: str) -> Terminal:
    """h2o-console in a terminal; what it exits with is printed below."""
    command = shlex.join([sys.executable, "-m", "h2o_console.tui.main", *arguments])
    term = f"TERM={environ.pop('H2O_TEST_TERM')} " if "H2O_TEST_TERM" in environ else ""
    line = f"cd {shlex.quote(str(ROOT))} && {term}{command}; echo exit=$?=; exec sleep 60"
    return Terminal(directory, line, width, height, **environ)


def at_packages(terminal: Terminal, *words: str) -> None:
    """From the first view on to the packages, where *words* come to stand."""
    terminal.shows("triage", " host", "zk ok", within_s=20)
    terminal.press("2")
    terminal.shows("PACKAGE", *words, within_s=20)


@contextmanager
def serving(fleet: FakeFleet) -> Generator[FleetServer]:
    """*fleet*'s agents, and a clock that moves it."""
    stopped = threading.Event()

    def live() -> None:
        while not stopped.wait(0.2):
            with served.lock:
                fleet.advance(max(time.time() - fleet.now_s, 0.0))

    with FleetServer(fleet) as served:
        thread = threading.Thread(target=live, daemon=True)
        thread.start()
        try:
            yield served
        finally:
            stopped.set()
            thread.join(5)


def test_a_console_s_life_in_a_terminal(tmp_path: Path) -> None:
    fleet = example(3, 12, now_s=time.time())
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1")) as terminal:
        terminal.shows(" of trouble", "api/customer", "INTERNAL", "zk ok", "READ-ONLY", "UTC", within_s=20)
        at_packages(terminal, "x api/customer")
        terminal.press("j", "j")
        terminal.press("/")
        terminal.write("geo")
        terminal.until(lambda screen: "service/geo" in screen and "service/email" not in screen, "only geo")
        terminal.press("Enter")
        terminal.shows("packages /geo", "1 of 12 packages")
        terminal.press("Enter")
        terminal.shows("packages > service/geo", "VERSIONS, last60s", "FEATURES")
        terminal.press("Escape")
        terminal.shows("1 of 12 packages")
        terminal.press("Escape")
        terminal.shows("12 packages")
        terminal.press("?")
        terminal.shows("MOVE", "THE LIST")
        terminal.press("q")
        terminal.shows("12 packages")
        terminal.resize(58, 12)
        terminal.until(lambda screen: "ERR%" in screen and "INST" not in screen, "fewer columns")
        terminal.resize(120, 30)
        terminal.shows("INST", "VERSION")
        terminal.press(":")
        terminal.write("q")
        terminal.press("Enter")
        terminal.shows("exit=0=")
        assert terminal.ask("#{alternate_on}#{cursor_flag}#{mouse_any_flag}") == "010", "the terminal is as it was"


def test_all_views_at_all_sizes_and_a_copy_to_tmux(tmp_path: Path) -> None:
    fleet = example(3, 12, now_s=time.time())
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1"), width=160) as terminal:
        at_packages(terminal, "x api/customer")
        terminal.press("3")
        terminal.shows("HOST", "CPU%", "host-3", "3 hosts, by trouble")
        terminal.press("c")
        terminal.shows("copied 'host-3' to tmux's buffer")
        assert terminal._tmux("show-buffer") == "host-3"
        terminal.press("Enter")
        terminal.shows("hosts > host-3", "BROKER AND AGENT")
        terminal.until(lambda screen: "INSTANCES (" in screen or not terminal.press("G"), "its instances")
        terminal.press("Enter")
        terminal.shows("hosts > host-3 > ", "WHAT AND WHERE", "package ")
        terminal.press("y")
        terminal.shows('"instance": {', '"package": "')
        terminal.press("4")
        terminal.shows("INSTANCE", "22 instances", "api/customer")
        terminal.press(":")
        terminal.write("instances service/geo")
        terminal.press("Enter")
        terminal.until(lambda screen: "service/geo" in screen and "api/customer" not in screen, "only geo's")
        terminal.press("C-p")
        terminal.write("hosts")
        terminal.press("Enter")
        terminal.shows("3 hosts, by")
        for width, height in ((30, 8), (59, 12), (100, 24), (200, 60), (30, 8)):
            for key, sign in (("2", "customer"), ("3", "host-1"), ("4", "api/cust"), ("?", "MOVE")):
                terminal.press(key)
                terminal.resize(width, height)
                screen = terminal.until(lambda screen, sign=sign: sign in screen, f"{sign} at {width}x{height}")
                assert all(len(line) <= width for line in screen.splitlines())
        terminal.press("Escape", "C-c")
        terminal.shows("exit=0=")


def test_another_fleet_without_leaving_and_nothing_of_the_old_one_stays(tmp_path: Path) -> None:
    here, there = example(3, 8, now_s=time.time()), FakeFleet(1, now_s=time.time())
    there.fleet = "there"
    there.run("service/lonely", "1.0", "host-1", per_s=5, takes_ms=4)
    directory = tmp_path / ".config" / "h2o"
    directory.mkdir(parents=True)
    with serving(here) as first, serving(there) as second:
        tables = (
            f'[contexts.{name}]\nfleet = "{fleet.fleet}"\nagent = "http://{served.address("host-1")}"\n'
            for name, fleet, served in (("one", here, first), ("two", there, second))
        )
        (directory / "config.toml").write_text(f'current = "one"\n{"".join(tables)}')
        with console(tmp_path, width=140) as terminal:
            terminal.shows("ONE", "api/customer", within_s=20)
            for line, sign in (("hosts", "demo > hosts"), ("sort name", "HOST^")):
                terminal.press(":")
                terminal.write(line)
                terminal.press("Enter")
                terminal.shows(sign)
            for context, sign in (("two", "service/lonely"), ("one", "api/customer")):
                terminal.press(":")
                terminal.write(f"context {context}")
                terminal.press("Enter")
                terminal.until(
                    lambda screen, context=context: screen.startswith(f" {context.upper()} "),
                    f"the header of {context}",
                )
                terminal.press(":")
                terminal.write("packages")
                terminal.press("Enter")
                terminal.shows("> packages", sign)
                screen = terminal.until(lambda screen: "UTC" in screen, "the clock")
                assert ("api/customer" in screen) == (context == "one")
            terminal.press(":")
            terminal.write("hosts")
            terminal.press("Enter")
            terminal.shows("demo > hosts", "HOST^")
            terminal.press("C-c")
            terminal.shows("exit=0=")
            assert terminal.ask("#{alternate_on}#{cursor_flag}#{mouse_any_flag}") == "010", "the terminal is as it was"


def test_a_mistake_in_the_file_warns_and_a_changed_key_works(tmp_path: Path) -> None:
    fleet = example(1, 6, now_s=time.time())
    directory = tmp_path / ".config" / "h2o"
    directory.mkdir(parents=True)
    (directory / "console.toml").write_text('theem = "dark"\nview = "hosts"\n[keys]\nproblems = "o"\n')
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1"), width=140) as terminal:
        terminal.shows("console.toml: line 1: theem means nothing; did you mean theme?", "1 host, by", within_s=20)
        terminal.press("o")
        terminal.shows("(problems)")
        terminal.press("C-c")
        terminal.shows("exit=0=")
    kept = {entry.suffix for entry in (tmp_path / ".local" / "state" / "h2o" / "console").iterdir()}
    assert kept == {".json", ".recording"}


def test_a_host_that_dies_and_a_fleet_that_goes_are_told(tmp_path: Path) -> None:
    fleet = example(3, 8, now_s=time.time())
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1"), width=160) as terminal:
        at_packages(terminal, "x api/customer", "3 hosts")
        served.stop("host-3")
        terminal.shows("2/3 hosts", "from host-3: connection refused", within_s=15)
        for host in ("host-1", "host-2"):
            served.stop(host)
        terminal.shows("0/3 hosts", "no agent answers", "? service/payment", "? service/email", within_s=15)
        terminal.press("C-c")
        terminal.shows("exit=0=")


def test_nothing_from_outside_reaches_the_terminal(tmp_path: Path) -> None:
    fleet = FakeFleet(1, now_s=time.time())
    for name in (
        "service/\x1b]2;owned\x07title",
        "service/\x1b[2Jclear",
        "service/\x9b2J",
        "service/[@click=app.quit]x",
    ):
        fleet.run(name, "1\x1b[41m", "host-1", features=("\x1b[7mget",), fails=0.9, error="\x1b[5mboom\r\n\x07")
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1")) as terminal:
        terminal.shows("[@click=app.quit]x", "INTERNAL", within_s=20)
        at_packages(terminal, "service/]2;ownedtitle", "service/[@click=app.quit]x", "INTERNAL")
        terminal.press("Enter")
        terminal.shows("FEATURES")
        assert "owned" not in terminal.ask("#{pane_title}#{window_name}")
        assert terminal.ask("#{window_bell_flag}") == "0"


def test_no_agent_is_a_sentence_on_the_screen(tmp_path: Path) -> None:
    with console(tmp_path, "--agent", "unix:/nowhere/agent.sock", "--ascii") as terminal:
        screen = terminal.shows("No agent answers at unix:/nowhere/agent.sock: no such socket.", "h2o dev", within_s=20)
        assert screen.isascii()
        terminal.press("q")
        terminal.shows(":q or ctrl+c quits")
        terminal.press("C-c")
        terminal.shows("exit=0=")


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    fleet = example(1, 6, now_s=time.time())
    with serving(fleet) as served, console(tmp_path, "--agent", served.address("host-1"), NO_COLOR="1") as terminal:
        terminal.shows("x PAGE", "api/customer", within_s=20)
        painted = terminal._tmux("capture-pane", "-p", "-e")
        codes = {code for part in painted.split("\x1b[")[1:] for code in part.partition("m")[0].split(";")}
        assert codes <= {"", "0", "1", "2", "4", "7", "22", "24", "27", "39", "49"}, codes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--agent", "unix:/x"], "the console needs a terminal"),
        (["--context", "nope"], "nope"),
        (["--theme", "pink"], "'pink' is not one of"),
    ],
)
def test_what_can_t_start_says_why_on_stderr(tmp_path: Path, arguments: list[str], said: str) -> None:
    argv = [sys.executable, "-m", "h2o_console.tui.main", *arguments]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_dumb_terminal_is_told_so(tmp_path: Path) -> None:
    with console(tmp_path, "--agent", "unix:/x", H2O_TEST_TERM="dumb") as terminal:
        terminal.shows("TERM says that this terminal can't move its cursor", "exit=2=")


# a real fleet


def test_the_real_fleet(shared_fleet: Fleet, tmp_path: Path) -> None:
    fleet = shared_fleet
    with console(tmp_path, "--agent", fleet.agent_address("host-1"), width=140) as terminal:
        at_packages(terminal, "service/echo", "3 hosts")
        asyncio.run(_traffic(fleet, seconds=4.0))
        screen = terminal.shows("INTERNAL", within_s=15)
        row = next(line for line in screen.splitlines() if "service/echo" in line and "INST" not in line)
        # What fails is ejected: then two of the three get requests.
        assert row.split()[:4] in (["x", "service/echo", count, "1.0.0"] for count in ("3", "2/3"))
        terminal.press("Enter")
        # Opened before the first 10 s were over, it asks for the past again 10 s later.
        whole = "VERSIONS", " ready", "last 60 min, 10 s each", "req/s", "fail", "OK ", "INTERNAL "
        terminal.shows(*whole, within_s=25)
        terminal.press("G")
        terminal.shows("HOSTS (3)", "host-1", "host-2", "host-3", "CALLERS", "operator")
        terminal.press("Escape")
        terminal.shows("1 package,")
        terminal.press("C-c")
        terminal.shows("exit=0=")


def test_following_the_logs_of_the_real_fleet(shared_fleet: Fleet, tmp_path: Path) -> None:
    fleet = shared_fleet
    with console(tmp_path, "--agent", fleet.agent_address("host-1"), width=140, height=50) as terminal:
        at_packages(terminal, "service/echo", "3 hosts")
        terminal.press("l")
        terminal.shows("following", "service/echo on 3 hosts", within_s=15)
        asyncio.run(_traffic(fleet, seconds=1.0))
        terminal.shows("RuntimeError: boom", within_s=15)
        terminal.press("k", "k", "k")
        terminal.shows("PAUSED")
        asyncio.run(_traffic(fleet, seconds=1.0))
        terminal.shows("new lines wait (G goes on)")
        terminal.press("G")
        terminal.until(lambda screen: "PAUSED" not in screen and "following" in screen, "follows again")
        terminal.press("/")
        terminal.write("no line has this")
        terminal.press("Enter")
        terminal.shows("No line that contains 'no line has this' yet.")
        terminal.press("Escape")
        terminal.shows("RuntimeError: boom")
        terminal.press("/")
        terminal.write("RuntimeError: boom")  # of many errors of one kind only one a second has its traceback
        terminal.press("Enter")
        terminal.until(
            lambda screen: 0 < screen.count("failed: RuntimeError") <= screen.count("RuntimeError: boom"),
            "entries with a traceback alone",
        )
        terminal.press("Enter")
        terminal.shows("BODY", "TRACEBACK", "RuntimeError: boom", "trace_id")
        terminal.press("Escape", "Escape", "Escape")  # the entry, the filter, the logs
        terminal.shows("1 package,")
        terminal.press("C-c")
        terminal.shows("exit=0=")


async def _traffic(fleet: Fleet, seconds: float) -> None:
    """Calls of which one in four fails, on the first host."""
    deadline_s = time.monotonic() + seconds
    async with Client(f"unix:{fleet.broker_dir('host-1')}/broker.sock") as client:
        while time.monotonic() < deadline_s:
            calls = [
                client.call(f"/service/echo/{feature}", StringValue(value="boom"), StringValue)
                for feature in ("say", "say", "say", "fail")
            ]
            await asyncio.gather(*calls, return_exceptions=True)
            await asyncio.sleep(0.02)


def test_a_host_that_leaves_and_comes_back(own_fleet: Fleet, tmp_path: Path) -> None:
    fleet = own_fleet
    with console(tmp_path, "--agent", fleet.agent_address("host-2"), width=140) as terminal:
        at_packages(terminal)
        terminal.until(lambda screen: _instances_shown(screen) == "3", "three instances", 20)
        fleet.stop_host("host-3")
        terminal.until(lambda screen: "2 hosts" in screen and _instances_shown(screen) == "2", "two instances", 20)
        fleet.start_host("host-3")
        terminal.until(lambda screen: "3 hosts" in screen and _instances_shown(screen) == "3", "three again", 30)


def _instances_shown(screen: str) -> str:
    row = next((line for line in screen.splitlines() if re.match(r"[ x!?~] service/echo ", line)), "")
    return row[2:].split()[1] if row else ""
