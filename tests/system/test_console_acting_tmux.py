"""From a finding to its plan, the register, the journal and back: in a terminal, on a real fleet, over a slow line."""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.protobuf.wrappers_pb2 import StringValue

from h2o_console.asking.register import in_register
from h2o_console.commands.carrying import Carrier
from h2o_console.commands.journal import Wanted, read_journal
from h2o_console.dev.plan import HostPlan
from h2o_core.audit import Author
from h2o_core.io.client import Client
from h2o_core.io.context import Overrides, current_context
from h2o_core.plan.intents import Shift
from tests.support.fleet import ECHO, running
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from h2o_console.dev.fleet import Fleet
    from h2o_core.context import Context

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux: script/bootstrap"),
]
ROOT = Path(__file__).parents[2]
BROKEN = replace(ECHO, env={**ECHO.env, "ECHO_VERSION": "2.0.0", "ECHO_FAILS": "60"})


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    hosts = (HostPlan("host-1", "a", (ECHO, BROKEN)), HostPlan("host-2", "a", (ECHO, BROKEN)))
    with running(tmp_path_factory.mktemp("acting"), hosts) as fleet, called(fleet):
        yield fleet


@pytest.fixture
def context(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Context:
    for key, value in fleet.environment("host-1").items():
        monkeypatch.setenv(key, value)
    return current_context(Overrides())


@contextmanager
def called(fleet: Fleet) -> Generator[None]:
    """Some hundred requests a second, all the time."""
    stopped = threading.Event()

    async def call() -> None:
        async with Client(f"unix:{fleet.layout.run_dir('host-1')}/broker.sock") as client:
            while not stopped.is_set():
                many = [client.call("/service/echo/say", StringValue(value="x"), StringValue) for _ in range(10)]
                await asyncio.gather(*many, return_exceptions=True)
                await asyncio.sleep(0.05)

    thread = threading.Thread(target=lambda: asyncio.run(call()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(20)


def console(fleet: Fleet, directory: Path, *before: str, width: int = 120, height: int = 30) -> Terminal:
    line = shlex.join([*before, sys.executable, "-m", "h2o_console.tui.main"])
    environ = {key: value for key, value in fleet.environment("host-1").items() if key not in {"PATH", "HOME"}}
    environ |= {"COLUMNS": "80", "LINES": "24"}  # what somebody exported is not the terminal's size
    command = f"cd {shlex.quote(str(ROOT))} && {line}; echo exit=$?=; exec sleep 60"
    return Terminal(directory, command, width, height, **environ)


def decide(context: Context, weights: dict[str, int]) -> None:
    """As somebody else does."""
    bob, intent = (
        Carrier(context, Author("bob@desk", "h2o weight on desk", "a release"), 10.0),
        Shift("/service/echo", weights),
    )
    bob.execute(bob.prepare(lambda _: intent), lambda _: intent, force=True)


def newest(context: Context) -> str:
    entries = in_register(context, 10, lambda registry: read_journal(registry, Wanted(), 1)).entries
    return entries[0].sentence if entries else ""


def answer(terminal: Terminal, asked: str, *keys: str) -> None:
    """As a person does: read it, then press."""
    terminal.shows(asked, within_s=20)
    time.sleep(0.5)
    terminal.press(*keys)


def test_finding_plan_apply_journal_undo(fleet: Fleet, context: Context, tmp_path: Path) -> None:
    decide(context, {"2.0.0": 5_000})
    with console(fleet, tmp_path) as terminal:
        terminal.shows("service/echo 2.0.0", "→ roll back to 1.0.0", within_s=60)
        terminal.press("a", "a")
        terminal.shows("rolls service/echo back to 1.0.0", "READ-ONLY: a arms for 15 min", within_s=20)
        for width, height in ((100, 30), (30, 8), (120, 30)):
            terminal.resize(width, height)
            terminal.until(lambda screen: "a arms" in screen and "rolls" in screen, f"the plan at {width}x{height}")
        answer(terminal, "READ-ONLY: a arms", "a")
        answer(terminal, "y decides it", "y")
        terminal.shows("is applied by all 2 brokers", "ARMED 14:", within_s=30)
        assert newest(context).startswith("rolls service/echo back to 1.0.0")
        terminal.press("8")
        terminal.until(lambda screen: re.search(r"\d\d:\d\d:\d\d +2 ", screen) is not None, "change 2 is there", 20)
        terminal.press("1", "u")
        terminal.shows("takes back change 2 of ", within_s=20)
        answer(terminal, "decides it", "y")
        terminal.shows("takes back change", "is applied by all 2 brokers", within_s=30)
        assert newest(context).startswith("takes back change")
        terminal.press("C-c")
        terminal.shows("exit=0=")


def test_over_a_slow_line_what_is_typed_at_once_decides_nothing(fleet: Fleet, context: Context, tmp_path: Path) -> None:
    before = newest(context)
    late = (sys.executable, "-m", "tests.support.slow_line", "0.4")
    with console(fleet, tmp_path, *late) as terminal:
        terminal.shows("zk ok", within_s=30)
        terminal.write(":arm")
        terminal.press("Enter")
        terminal.shows("armed for 15 min", within_s=20)
        terminal.press("3")
        terminal.shows("host-1", "host-2", "hosts, by", within_s=20)
        terminal.press("g")
        terminal.write("avyy")
        terminal.press("Enter")
        terminal.write("y")
        terminal.shows("avoids host-", "decides it", within_s=20)
        time.sleep(1.0)
        assert "decides it" in terminal.screen()
        assert newest(context) == before
        terminal.press("Escape")
        terminal.until(lambda screen: "decides it" not in screen, "it is left")
        terminal.press("C-c")
        terminal.shows("exit=0=")
