"""`h2o top`: what is counted between two looks, ranked; one look when piped, live in a terminal that it gives back."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING, Any

import pytest

from h2o_console.cli import ranking_tables, rankings
from h2o_console.cli.main import main
from h2o_console.cli.rankings import Moments
from h2o_console.cli.reported import counts_of
from h2o_console.feed.answers import Host, Instance
from h2o_core.pb.host_pb2 import ChildReport, HostStats, Vitals
from tests.support.agent_server import HEAD, NOW_S, AgentServer, endpoint, host, host_stats, instance, stats
from tests.support.watched import watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST, SECOND = "3f8a91c2d4e5f607", "a0000000d4e5f607"
ON_TERMINAL = [
    sys.executable,
    "-c",
    # standard input becomes the new session's terminal, so that its Ctrl-C is a signal
    "import fcntl, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "from h2o_console.cli.main import main; sys.exit(main())",
]


def reading(requests: int, now_s: float, errors: int = 0) -> HostStats:
    """A host whose one customer has answered so many requests; its email has never been asked."""
    outcomes = {"OK": requests - errors, **({"INTERNAL": errors} if errors else {})}
    busy = endpoint("service/customer/get", outcomes, (2.0,) * requests)
    said = host_stats(
        stats(FIRST, busy, launch="token", in_flight=3),
        stats(SECOND, endpoint("service/email/send", {}, ()), package="service/email"),
        now_s=now_s,
    )
    said.children.append(ChildReport(key="k", launch="token", cpu_pct=12.0, rss_bytes=48 << 20))
    said.vitals.CopyFrom(Vitals(cpu_pct=42.0, steal_pct=-1, memory_total_bytes=100, memory_available_bytes=25))
    return said


def moments(*, later: HostStats | None = None, silent: bool = False) -> Moments:
    before, after = reading(100, NOW_S), later or reading(200, NOW_S + 10, errors=10)
    instances = [
        Instance(FIRST, "service/customer", "1.4.2", "host-1", state="ready"),
        Instance(SECOND, "service/email", "1.0.0", "host-1", state="ready"),
        Instance("b1", "service/away", "1.0.0", "host-2"),
    ]
    counts = {} if silent else {"host-1": counts_of(before)}
    return Moments(
        counts, {"host-1": counts_of(after)}, {"host-1": after}, instances, [Host("host-1", "a"), Host("host-2", "b")]
    )


def entry(of: str, key: str, value: str, **more: Any) -> dict[str, Any]:
    (found,) = [each for each in rankings.entries(of, moments(**more)) if each[key] == value]
    return found


def test_packages() -> None:
    busy = entry("packages", "package", "service/customer")
    assert (busy["requests_per_s"], busy["error_pct"], busy["errors_per_s"]) == (10.0, 10.0, 1.0)
    assert busy["p95_ms"] == pytest.approx(2.0, rel=0.011)
    assert (busy["in_flight"], busy["cpu_pct"], busy["memory_bytes"]) == (3, 12.0, 48 << 20)


def test_what_did_nothing_is_zero_and_what_is_unknown_is_not() -> None:
    idle = entry("packages", "package", "service/email")
    assert (idle["requests_per_s"], idle["p95_ms"], idle["cpu_pct"]) == (0.0, None, None)
    for away in (entry("packages", "package", "service/away"), entry("instances", "id", "b1")):
        assert (away["requests_per_s"], away["error_pct"]) == (None, None)
    assert entry("hosts", "host", "host-1", silent=True)["requests_per_s"] is None
    down = entry("packages", "package", "service/customer", later=reading(3, NOW_S + 10))
    assert down["requests_per_s"] is None


def test_hosts_have_their_vitals() -> None:
    here = entry("hosts", "host", "host-1")
    assert (here["cpu_pct"], here["steal_pct"], here["memory_pct"], here["disk_pct"]) == (42.0, None, 75.0, None)
    assert set(entry("hosts", "host", "host-2")) == set(here)


@pytest.mark.parametrize("sort", ["rate", "errors", "p95", "cpu", "memory"])
def test_the_unknown_stands_last(sort: str) -> None:
    names = [each["package"] for each in rankings.ranked(rankings.entries("packages", moments()), sort)]
    assert names[0] == "service/customer"
    assert set(names[1:]) == {"service/away", "service/email"}


def test_by_name() -> None:
    names = [each["package"] for each in rankings.ranked(rankings.entries("packages", moments()), "name")]
    assert names == ["service/away", "service/customer", "service/email"]


@pytest.mark.parametrize("of", ["packages", "instances", "hosts"])
@pytest.mark.parametrize("cells", [1, 30, 60, 100, 500])
def test_only_whole_columns_that_fit(of: str, cells: int) -> None:
    rows = ranking_tables.cells(of, rankings.entries(of, moments()))
    columns, cut = ranking_tables.fitting(of, rows, 2.0, cells)
    assert columns == ranking_tables.columns(of, 2.0)[: len(columns)]
    assert all(len(row) == len(columns) for row in cut)
    assert len(columns) == (1 if cells == 1 else len(ranking_tables.columns(of, 2.0)) if cells == 500 else len(columns))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AgentServer]:
    for name in ("H2O_ZK", "H2O_FLEET", "H2O_CONTEXT", "H2O_BROKER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("H2O_CONFIG", str(tmp_path / "config.toml"))
    asked: list[int] = []

    def grown() -> HostStats:
        asked.append(1)
        return reading(100 * len(asked), NOW_S + 10 * len(asked))

    answers: dict[str, Any] = {
        "/instances?fleet=1": {**HEAD, "instances": [instance(FIRST), instance(SECOND, "service/email")]},
        "/hosts": {**HEAD, "hosts": [host("host-1", None)]},
        "/stats": grown,
    }
    with AgentServer(answers) as started:
        monkeypatch.setenv("H2O_AGENT", started.address)
        yield started


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(("of", "first"), [("packages", "service/customer"), ("instances", FIRST), ("hosts", "host-1")])
def test_one_look_when_piped(capsys: pytest.CaptureFixture[str], of: str, first: str) -> None:
    assert main(["top", of, "--every", "1s", "-n", "1", "-o", "name"]) == 0
    assert capsys.readouterr().out == f"{first}\n"


@pytest.mark.usefixtures("server")
def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["top", "--every", "1s", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["packages"][0]["requests_per_s"] == 10.0
    assert (document["window_s"], document["unreachable"]) == (1.0, [])


def test_a_host_that_does_not_answer(server: AgentServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers["/hosts"] = {**HEAD, "hosts": [host("host-1", None), host("host-2", "127.0.0.1:1")]}
    assert main(["top", "hosts", "--every", "1s"]) == 5
    out, err = capsys.readouterr()
    assert "host-2 is missing here" in err
    assert out.splitlines()[2].split()[:5] == ["host-2", "a", "up", "1", "-"]


def test_watching_json_is_one_object_a_line(server: AgentServer) -> None:
    with watched({"H2O_AGENT": server.address}, "top", "--every", "1s", "-w", "--json") as lines:
        for _ in range(2):
            assert json.loads(lines.readline())["packages"]


@pytest.mark.parametrize(
    ("end", "code"),
    [("q", 0), ("\x03", 130), (signal.SIGTERM, 130), (signal.SIGHUP, 130)],
)
def test_live_in_a_terminal_that_is_given_back(server: AgentServer, end: str | signal.Signals, code: int) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    env = {**os.environ, "H2O_AGENT": server.address, "TERM": "xterm", "COLUMNS": "80", "LINES": "10"}
    process = subprocess.Popen(
        [*ON_TERMINAL, "top", "--every", "1s"],
        env=env,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        shown = read_until(ours, "service/customer")
        assert "\x1b[?1049h" in shown
        os.write(ours, b"h")
        shown += read_until(ours, "LINK")
        if isinstance(end, str):
            os.write(ours, end.encode())
        else:
            process.send_signal(end)
        shown += read_until(ours, "\x1b[?1049l")
        assert process.wait(10) == code
        assert termios.tcgetattr(theirs)[3] == before[3]
        assert "\x1b[?25h" in shown
        assert "Traceback" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)


def read_until(descriptor: int, wanted: str) -> str:
    """What the terminal shows, until *wanted* was in it."""
    seen = ""
    until_s = time.monotonic() + 10
    while wanted not in re.sub(r"\x1b\[K", "", seen):
        ready, _, _ = select.select([descriptor], [], [], until_s - time.monotonic())
        assert ready, seen
        seen += os.read(descriptor, 65536).decode(errors="replace")
    return seen
