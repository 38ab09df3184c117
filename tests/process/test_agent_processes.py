"""Real child processes: their session and log, adoption by pid and start time, what a dead agent leaves."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from h2o_agent.launch import LAUNCH_VARIABLE, Launch
from h2o_agent.ledger import Entry, Ledger, LedgerUnreadable
from h2o_agent.processes import Identity, Processes, SpawnFailed, find, identify, is_it
from h2o_core.hostfile import DEFAULT_LOG_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BOUND_S = 10.0


async def until(condition: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < limit, f"not within {BOUND_S} s: {what}"
        await asyncio.sleep(0.01)


def gone(pid: int) -> bool:
    return identify(pid) is None


class Children:
    """Processes of a test; whatever still runs at its end is killed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.exits: list[tuple[str, int | None]] = []
        self.pids: list[int] = []

    def processes(self, *, use_pidfd: bool = True) -> Processes:
        return Processes(lambda key, code: self.exits.append((key, code)), use_pidfd=use_pidfd)

    def launch(self, *argv: str, key: str = "one", cwd: str = "") -> Launch:
        return Launch(key, "service/one", argv, {"COLOUR": "blue"}, cwd, str(self.directory / f"{key}.log"))

    def log(self, key: str = "one") -> str:
        return (self.directory / f"{key}.log").read_text()

    def spawn(self, processes: Processes, launch: Launch, token: str = "t0") -> Identity:
        identity = processes.spawn(launch, token)
        self.pids.append(identity.pid)
        return identity


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    made = Children(tmp_path)
    yield made
    for pid in made.pids:
        try:
            os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass


@pytest.fixture(params=["pidfd", "polling"])
def use_pidfd(request: pytest.FixtureRequest) -> bool:
    return request.param == "pidfd"


async def test_a_child_has_its_own_session_and_writes_to_its_file(children: Children, use_pidfd: bool):
    processes = children.processes(use_pidfd=use_pidfd)
    say = "echo out $COLOUR $H2O_LAUNCH; echo err >&2; read line || echo no input; exit 3"
    identity = children.spawn(processes, children.launch("sh", "-c", say))
    await until(lambda: children.exits, "the child ends")
    assert children.exits == [("one", 3)]
    assert children.log() == "out blue t0\nerr\nno input\n"
    assert gone(identity.pid)


async def test_its_session_is_not_ours_and_the_log_is_appended_to(children: Children):
    processes = children.processes()
    (children.directory / "one.log").write_text("before\n")
    identity = children.spawn(processes, children.launch("sh", "-c", "echo after; exec sleep 60"))
    await until(lambda: "after" in children.log(), "the child writes")
    assert os.getsid(identity.pid) == identity.pid
    assert children.log() == "before\nafter\n"
    processes.close()


async def test_a_log_that_grew_too_long_is_moved_aside(children: Children):
    processes = children.processes()
    (children.directory / "one.log").write_bytes(b"x" * (DEFAULT_LOG_BYTES // 2 + 1))
    children.spawn(processes, children.launch("echo", "fresh"))
    await until(lambda: children.exits, "the child ends")
    assert children.log() == "fresh\n"
    assert (children.directory / "one.log.1").stat().st_size == DEFAULT_LOG_BYTES // 2 + 1


async def test_a_killed_child_is_told_with_its_signal(children: Children, use_pidfd: bool):
    processes = children.processes(use_pidfd=use_pidfd)
    identity = children.spawn(processes, children.launch("sleep", "60"))
    os.kill(identity.pid, signal.SIGKILL)
    await until(lambda: children.exits, "the death is noticed")
    assert children.exits == [("one", -signal.SIGKILL)]


async def test_terminate_asks_the_child_alone_and_kill_takes_what_it_left_behind(children: Children):
    processes = children.processes()
    script = "trap 'echo asked' TERM; sleep 60 & echo $! > helper; while :; do wait; done"
    launch = children.launch("sh", "-c", script, cwd=str(children.directory))
    children.spawn(processes, launch)
    helper_file = children.directory / "helper"
    await until(lambda: helper_file.exists() and helper_file.read_text().strip(), "the helper runs")
    helper = int(helper_file.read_text())
    processes.terminate("one")
    await until(lambda: "asked" in children.log(), "SIGTERM arrives")
    assert not gone(helper)
    processes.kill("one")
    await until(lambda: children.exits, "the child is killed")
    await until(lambda: gone(helper), "the helper is killed too")


async def test_what_a_dead_child_left_behind_does_not_outlive_it(children: Children):
    processes = children.processes()
    launch = children.launch("sh", "-c", "sleep 60 & echo $! > helper; exit 1", cwd=str(children.directory))
    children.spawn(processes, launch)
    await until(lambda: children.exits, "the child ends")
    helper = int((children.directory / "helper").read_text())
    await until(lambda: gone(helper), "the helper is killed")


@pytest.mark.parametrize(
    ("argv", "cwd", "says"),
    [
        (("no-such-command-here",), "", "no-such-command-here: No such file or directory; see the command of"),
        (("/etc/passwd",), "", "/etc/passwd: Permission denied"),
        (("true",), "/no/such/place", "/no/such/place: No such file or directory"),
        (("nul\0byte",), "", "embedded null byte"),
    ],
)
async def test_what_cannot_be_started_says_why(children: Children, argv: tuple[str, ...], cwd: str, says: str):
    processes = children.processes()
    with pytest.raises(SpawnFailed, match=says):
        processes.spawn(children.launch(*argv, cwd=cwd), "t0")


async def test_a_process_of_an_earlier_agent_is_adopted_and_watched(children: Children, use_pidfd: bool):
    first = children.processes(use_pidfd=use_pidfd)
    identity = children.spawn(first, children.launch("sleep", "60"), "secret-token")
    first.close()
    second = children.processes(use_pidfd=use_pidfd)
    assert second.adopt("one", identity, "secret-token")
    assert children.exits == []
    second.terminate("one")
    await until(lambda: children.exits, "the adopted one's end is noticed")
    assert children.exits == [("one", None)]


async def test_the_pid_alone_adopts_nothing(children: Children):
    processes = children.processes()
    identity = children.spawn(processes, children.launch("sleep", "60"), "right")
    other = Identity(identity.pid, identity.started_s - 3600)
    assert is_it(identity, "wrong"), "pid and start time are enough"
    assert not is_it(other, "wrong"), "a pid that came around again"
    # Its environment is readable a moment after exec has begun, which a busy machine can stretch.
    await until(lambda: is_it(other, "right"), "the clock was set meanwhile, the token proves it")
    processes.close()
    assert not children.processes().adopt("two", other, "wrong")


async def test_a_zombie_is_not_alive():
    process = subprocess.Popen([sys.executable, "-c", "pass"])  # noqa: ASYNC220 - asyncio would wait for it
    try:
        await until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE, "it ends, nobody waits")
        assert identify(process.pid) is None
        assert not is_it(Identity(process.pid, psutil.Process(process.pid).create_time()), "")
    finally:
        process.wait()


async def test_a_child_whose_pid_was_never_noted_is_found_by_its_token(children: Children):
    processes = children.processes()
    script = "sleep 60 & wait"  # its own child inherits the token, and is not it
    identity = children.spawn(processes, children.launch("sh", "-c", script), "never-noted")
    await until(lambda: len(psutil.Process(identity.pid).children()) == 1, "the inner process runs")
    inner = psutil.Process(identity.pid).children()[0]
    assert inner.environ()[LAUNCH_VARIABLE] == "never-noted"
    assert find("never-noted") == identity
    assert find("nobody's") is None
    processes.close()


def test_the_ledger_survives_a_restart_and_says_when_it_does_not(tmp_path: Path):
    path = tmp_path / "children.json"
    ledger = Ledger(path)
    assert ledger.load() == []
    ledger.put(Entry("a", "service/a", "t1"))
    ledger.put(Entry("a", "service/a", "t1", 12, 3.5))
    ledger.put(Entry("b", "", "t2", 13, 4.25))
    ledger.drop("b")
    assert Ledger(path).load() == [Entry("a", "service/a", "t1", 12, 3.5)]
    assert [each.name for each in tmp_path.iterdir()] == ["children.json"]
    for garbage in ("", "[]", '{"children": [{}]}', '{"children": 3}'):
        path.write_text(garbage)
        with pytest.raises(LedgerUnreadable, match="can't be read"):
            Ledger(path).load()
