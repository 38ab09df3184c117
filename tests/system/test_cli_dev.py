"""`h2o dev` as a process: it starts a fleet, tells how to reach it, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from h2o_console.dev.children import Child
from h2o_core.io.context import current_context
from tests.support.dev import GONE_S, READY_S, dev, gone, within

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.dev import Dev

__all__ = ["dev"]


def test_its_context_works_and_ctrl_c_leaves_nothing(dev: Dev) -> None:
    process, said = dev.start_and_wait()
    context = current_context(environ=dev.environ)
    assert (context.name, context.fleet, context.dev) == ("dev", "dev", True)
    assert context.run_dir.endswith("/host-1")
    tried = [line.strip() for line in said.partition("try:\n")[2].splitlines() if line.startswith("  ")]
    assert len(tried) == 5
    for line in tried[:4]:
        done = dev.h2o(*line.split()[1:])
        assert (done.returncode, line) == (0, line), done.stderr
    assert len(json.loads(dev.h2o("list", "service/echo", "--json").stdout)["instances"]) == 1
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=GONE_S)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert dev.alive() == []
    assert dev.h2o("list").returncode == 4
    assert "h2o dev" in dev.h2o("list").stderr


def test_a_second_one_refuses_and_the_first_goes_on(dev: Dev) -> None:
    first, _ = dev.start_and_wait()
    second = dev.start()
    _, err = second.communicate(timeout=READY_S)
    assert second.returncode == 1
    assert f"already (pid {first.pid})" in err
    assert "--dir" in err
    assert dev.h2o("list").returncode == 0
    first.send_signal(signal.SIGTERM)
    first.communicate(timeout=GONE_S)
    assert first.returncode == 0
    gone(dev)


def test_killed_it_takes_everything_along(dev: Dev) -> None:
    process, _ = dev.start_and_wait()
    assert len(dev.alive()) >= 6  # ZooKeeper, two agents, two brokers, one instance
    process.kill()
    gone(dev)


def test_what_outlived_even_that_is_reaped_by_the_next(dev: Dev) -> None:
    first, _ = dev.start_and_wait()
    agents = dev.programs("h2o_agent")
    assert len(agents) == 2
    for each in agents:
        each.send_signal(signal.SIGSTOP)  # so that SIGTERM can't help it
    first.kill()
    for each in agents:
        each.kill()
    left = dev.programs("h2o_broker")
    assert len(left) == 2
    second, _ = dev.start_and_wait()
    assert not [each for each in left if each.is_running()]
    assert second.stderr
    assert any("an earlier fleet had left here" in second.stderr.readline() for _ in range(3))
    second.send_signal(signal.SIGINT)
    second.communicate(timeout=GONE_S)
    gone(dev)


def test_two_ctrl_c_end_it_at_once(dev: Dev) -> None:
    process, _ = dev.start_and_wait()
    for each in dev.programs("h2o_agent"):
        each.send_signal(signal.SIGSTOP)  # an orderly end would wait for them
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while "again to stop at once" not in process.stderr.readline():
        pass
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=GONE_S)
    assert (process.returncode, time.monotonic() - began < 5) == (130, True)
    gone(dev)


def test_it_starts_again_what_ends_by_itself(dev: Dev) -> None:
    process, _ = dev.start_and_wait()
    victims = dev.programs("h2o_agent") + [each for each in dev.programs("QuorumPeerMain") if "java" in each.name()]
    assert len(victims) == 3
    for each in victims:
        each.kill()
    within(GONE_S, lambda: not any(each.is_running() for each in victims), lambda: victims)

    def both_agents_answer() -> bool:
        done = dev.h2o("hosts", "-o", "name")
        return (done.stdout.split(), done.stderr) == (["host-1", "host-2"], "")

    within(READY_S, both_agents_answer, lambda: dev.h2o("hosts"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=GONE_S)
    gone(dev)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--hosts", "0"], "use 1 to"),
        (["--zones", "9"], "use 1 to 2"),
        (["--run", "nonsense"], "PACKAGE[*COUNT]"),
        (["--run", "service/x@host-9=x"], "no host 'host-9'"),
        (["--host-file-extra", "zoone = 1"], "no key 'zoone'"),
        (["--name", "a/b"], "a/b"),
    ],
)
def test_what_is_no_fleet_is_said_before_anything_starts(dev: Dev, arguments: list[str], sentence: str) -> None:
    process = dev.start(*arguments)
    _, err = process.communicate(timeout=READY_S)
    assert process.returncode == 2
    assert sentence in err
    assert "h2o dev --help" in err
    assert dev.alive() == []


def test_a_child_ends_with_its_starter_only_while_it_lives(tmp_path: Path) -> None:
    child = Child(
        "sleeper", [sys.executable, "-c", "import time; time.sleep(60)"], tmp_path / "log", os.environ, tmp_path
    )
    living = [each for each in psutil.Process().children() if each.status() != psutil.STATUS_ZOMBIE]
    watchers = [each for each in living if "watcher of sleeper" in each.cmdline()]
    assert len(watchers) == 1
    child.signal(signal.SIGKILL)
    assert child.wait(10)
    assert child.ended() == -signal.SIGKILL
    assert not watchers[0].is_running()
