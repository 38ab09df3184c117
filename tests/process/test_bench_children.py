"""The bench's processes end with it, whatever ends it, and say why when they end by themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.children import BenchError, Children, wait_until

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
# Starts two children, one with a child of its own in its session, says their ids, and waits.
BENCH = """
import sys, time
from pathlib import Path
from bench.children import Children, leave_in_order
leave_in_order()
shell = ["sh", "-c", "sleep 60 & echo $! > " + sys.argv[1] + "/grandchild; wait"]
with Children(Path(sys.argv[1])) as children:
    one = children.start("one", ["sleep", "60"])
    two = children.start("two", shell)
    print(one.pid, two.pid, flush=True)
    time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    # Inside a container nobody may reap an orphan: a zombie is dead, too.
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_for(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up_s, "10 s passed"
        time.sleep(0.01)


def test_leaving_the_block_stops_what_was_started(tmp_path: Path) -> None:
    pids: list[int] = []

    def interrupted() -> None:
        with Children(tmp_path) as children:
            pids.extend(children.start(f"child {at}", SLEEPS).pid for at in range(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(pids) == 2
    assert not any(map(alive, pids))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_bench_stops_children_and_grandchildren(tmp_path: Path, number: signal.Signals) -> None:
    bench = subprocess.Popen(
        [sys.executable, "-c", BENCH, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert bench.stdout is not None
    grandchild = tmp_path / "grandchild"
    wait_for(lambda: grandchild.exists() and grandchild.read_text() != "")
    pids = [*map(int, bench.stdout.readline().split()), int(grandchild.read_text())]
    assert all(map(alive, pids))
    bench.send_signal(number)
    bench.wait(10)
    bench.stdout.close()
    wait_for(lambda: not any(map(alive, pids)))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_children_do_not_outlive_a_killed_bench(tmp_path: Path) -> None:
    bench = subprocess.Popen([sys.executable, "-c", BENCH, str(tmp_path)], stdout=subprocess.PIPE)
    assert bench.stdout is not None
    pids = [int(word) for word in bench.stdout.readline().split()]
    grandchild = tmp_path / "grandchild"
    wait_for(lambda: grandchild.exists() and grandchild.read_text() != "")
    bench.kill()
    bench.wait(10)
    bench.stdout.close()
    os.kill(int(grandchild.read_text()), signal.SIGKILL)  # a child's own children are the child's to stop
    wait_for(lambda: not any(map(alive, pids)))


def test_a_child_that_ends_by_itself_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        children.start("broker", [sys.executable, "-c", "import sys; sys.exit('no such host file')"])
        with pytest.raises(BenchError, match=r"(?s)broker ended by itself \(status 1\).*no such host file"):
            wait_until(lambda: False, "its socket", children)


def test_waiting_in_vain_says_for_what(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(BenchError, match="in vain for the moon"):
        wait_until(lambda: False, "the moon", children, within_s=0.05)


def test_a_program_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    with Children(tmp_path) as children, pytest.raises(BenchError, match="peer can't be started"):
        children.start("peer", [str(tmp_path / "absent")])


def test_a_client_that_reports_an_error_is_heard(tmp_path: Path) -> None:
    says = 'import sys; sys.stdin.readline(); print(\'{"error": "TIMEOUT"}\', flush=True); sys.stdin.readline()'
    with Children(tmp_path) as children:
        client = children.start("client", [sys.executable, "-c", says], pipes=True)
        with pytest.raises(BenchError, match="client: TIMEOUT"):
            client.ask({"in_flight": 1}, 10)


def test_a_client_that_is_silent_is_given_up(tmp_path: Path) -> None:
    with Children(tmp_path) as children:
        client = children.start("client", SLEEPS, pipes=True)
        with pytest.raises(BenchError, match=r"client did not answer within 0\.05 s"):
            client.ask({}, 0.05)


def test_what_a_child_says_in_its_log_is_found_once_it_has_said_it(tmp_path: Path) -> None:
    says = "import sys, time; print('listens at 127.0.0.1:4321', flush=True); time.sleep(60)"
    with Children(tmp_path) as children:
        child = children.start("worker", [sys.executable, "-c", says])
        assert child.said("registered") is None
        wait_until(lambda: child.said("listens") is not None, "its word", children)
        found = child.said(r"listens at (\S+)\n")
        assert found is not None
        assert found[1] == "127.0.0.1:4321"
