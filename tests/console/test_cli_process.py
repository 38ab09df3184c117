"""`h2o` as a process: what it imports, how it ends when its reader goes or Ctrl-C comes, what it watches."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.agent_server import HEAD, AgentServer, host, instance
from tests.support.watched import H2O, watched

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAVY = {
    "textual",
    "rich",
    "httpx",
    "kazoo",
    "google",
    "zmq",
    "asyncio",
    "http.client",
    "psutil",
    "uvloop",
    "ssl",
    "hashlib",
}


@pytest.fixture
def server() -> Iterator[AgentServer]:
    with AgentServer(
        {
            "/instances?fleet=1": {
                **HEAD,
                "instances": [instance(f"{at:016x}", f"service/p{at}") for at in range(200)],
            },
            "/hosts": {**HEAD, "hosts": [host("host-1", None)]},
        }
    ) as started:
        yield started


def environ(server: AgentServer | None = None, **more: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("H2O_")}
    return {**clean, "H2O_CONFIG": os.devnull, "H2O_AGENT": server.address if server else "http://127.0.0.1:1", **more}


@pytest.mark.parametrize("arguments", [["list"], ["hosts"], ["list", "-o", "json"], ["list", "service/p1"]])
def test_reading_imports_nothing_heavy(server: AgentServer, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *H2O[1:], *arguments],
        env=environ(server),
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "click" in imported
    assert "h2o_console.cli.main" in imported
    found = {name for name in imported if name in HEAVY or name.split(".")[0] in HEAVY}
    assert not found
    assert not {name for name in imported if name.startswith("h2o_console.tui")}


def test_a_reader_that_goes_is_no_error(server: AgentServer) -> None:
    answers: dict[str, Any] = server.answers["/instances?fleet=1"]
    answers["instances"] = [instance(f"{at:016x}", f"service/p{at}", why="x" * 2000) for at in range(200)]
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [*H2O, "list"],
            env=environ(server),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=30,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


def test_watching_prints_one_object_a_line_and_ends_with_130(server: AgentServer) -> None:
    with watched(environ(server), "list", "service/p7", "--json", "-w") as lines:
        for _ in range(2):
            (entry,) = json.loads(lines.readline())["instances"]
            assert entry["package"] == "service/p7"


def test_watching_outlives_the_agent(server: AgentServer) -> None:
    saved = server.answers["/instances?fleet=1"]
    process = subprocess.Popen(
        [*H2O, "list", "service/p7", "--json", "-w"],
        env=environ(server),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        server.answers["/instances?fleet=1"] = (503, {"error": "the broker is down", "hint": ""})
        assert "the broker is down" in process.stderr.readline()
        server.answers["/instances?fleet=1"] = saved
        assert json.loads(process.stdout.readline())["schema"] == 1
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("more", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colour_only_on_a_terminal_that_wants_it(server: AgentServer, more: dict[str, str], *, coloured: bool) -> None:
    shown = on_a_terminal(["list", "service/p7"], environ(server, COLUMNS="60", **more))
    assert "ready" in shown
    assert ("\x1b[32mready\x1b[0m" in shown) is coloured
    assert ("\x1b" in shown) is coloured


def test_a_terminal_cuts_only_the_last_column(server: AgentServer) -> None:
    why = "because " * 40
    server.answers["/instances?fleet=1"]["instances"] = [instance("0" * 16, "service/p7", why=why)]
    shown = on_a_terminal(["list"], environ(server, COLUMNS="80", TERM="dumb"))
    assert all(len(line.rstrip("\r")) <= 80 for line in shown.split("\n"))
    assert "service/p7" in shown
    piped = subprocess.run(
        [*H2O, "list"], env=environ(server, COLUMNS="80"), capture_output=True, text=True, check=True
    )
    assert why.strip() in piped.stdout


def on_a_terminal(arguments: list[str], env: dict[str, str]) -> str:
    """What *arguments* print to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([*H2O, *arguments], env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    try:
        while True:
            try:
                chunk = os.read(ours, 65536)
            except OSError:  # Linux says EIO when the other side is closed
                break
            if not chunk:
                break
            printed += chunk
    finally:
        os.close(ours)
        process.wait(30)
    assert process.returncode == 0
    return printed.decode()


def test_an_agent_that_hangs_is_given_up(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415 - for this test's silent server only

    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        done = subprocess.run(
            [*H2O, "list", "--agent", address, "--timeout", "0.3"],
            env=environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            cwd=tmp_path,
        )
    assert done.returncode == 4
    assert "no answer within 0.3 s" in done.stderr
    assert time.monotonic() - began < 10
