"""The real ZooKeeper that `h2o dev` and these tests start: quick, alone on its files, and gone with its parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from h2o_core.io import zookeeper
from h2o_core.io.zookeeper import (
    APT_COMMAND,
    ZooKeeperChild,
    ZooKeeperFailed,
    ZooKeeperMissing,
    find_installation,
    four_letter_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable

DEBIAN_JARS = Path("/usr/share/java")


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        return "Z" not in subprocess.check_output(["ps", "-o", "stat=", "-p", str(pid)], text=True)
    except subprocess.CalledProcessError:
        return False


def test_starts_serves_and_starts_again_on_its_port(tmp_path: Path, record_property: Callable[[str, object], None]):
    child = ZooKeeperChild(tmp_path)
    started = time.monotonic()
    with child:
        start_s = time.monotonic() - started
        record_property("zookeeper_start_s", start_s)
        print(f"ZooKeeper served after {start_s:.2f} s")  # noqa: T201 - a figure to be seen, with pytest -rP
        assert "Mode: standalone" in four_letter_word(child.address, "srvr")
        child.check()
        first = (child.address, child.pid)
        child.kill()
        assert not lives(first[1])
        assert four_letter_word(child.address, "srvr") == ""
        child.start()
        assert child.address == first[0]
        assert child.pid != first[1]
    assert not child.running


def test_any_exit_is_a_failure(tmp_path: Path):
    with ZooKeeperChild(tmp_path) as child:
        os.kill(child.pid, signal.SIGTERM)
        until(lambda: not child.running, "it did not end")
        with pytest.raises(ZooKeeperFailed, match="exited with status"):
            child.check()


def test_dies_with_a_killed_parent(tmp_path: Path):
    program = (
        "import pathlib, sys, time; from h2o_core.io.zookeeper import ZooKeeperChild\n"
        "child = ZooKeeperChild(pathlib.Path(sys.argv[1])); child.start(); print(child.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.kill()
    until(lambda: not lives(pid), "it outlived its parent")


def test_two_never_share_their_files(tmp_path: Path):
    with ZooKeeperChild(tmp_path), pytest.raises(ZooKeeperFailed, match="another process runs ZooKeeper"):
        ZooKeeperChild(tmp_path).start()


def test_a_port_that_was_taken_meanwhile_is_left_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1], zookeeper.free_port()]
        monkeypatch.setattr(zookeeper, "free_port", lambda: ports.pop(0))
        with ZooKeeperChild(tmp_path) as child:
            assert not ports
            assert "Mode:" in four_letter_word(child.address, "srvr")


def test_another_s_server_on_the_port_is_not_mistaken_for_ours(tmp_path: Path):
    with ZooKeeperChild(tmp_path / "one") as one:
        other = ZooKeeperChild(tmp_path / "other", int(one.address.rpartition(":")[2]))
        with pytest.raises(ZooKeeperFailed, match="Address already in use"):
            other.start()
        one.check()


def test_a_machine_without_it_learns_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zookeeper, "_DEBIAN_JARS", tmp_path)
    monkeypatch.setattr(zookeeper, "_BREW_PREFIXES", ())
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ZooKeeperMissing, match=f"Java and ZooKeeper not found .*{APT_COMMAND}"):
        find_installation({"PATH": str(tmp_path)})


def test_zookeeper_home_must_hold_one(tmp_path: Path):
    with pytest.raises(ZooKeeperMissing, match="ZOOKEEPER_HOME is"):
        find_installation({"ZOOKEEPER_HOME": str(tmp_path), "PATH": os.environ["PATH"]})


@pytest.mark.skipif(
    not (DEBIAN_JARS / "zookeeper.jar").exists(), reason="lays out Debian's jars as Apache's archive does"
)
def test_runs_from_zookeeper_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = tmp_path / "home"
    (home / "lib").mkdir(parents=True)
    for jar in ("zookeeper", "slf4j-simple"):
        (home / "lib" / f"{jar}-3.8.jar").symlink_to(DEBIAN_JARS / f"{jar}.jar")
    monkeypatch.setenv("ZOOKEEPER_HOME", str(home))
    assert str(home) in find_installation().classpath
    with ZooKeeperChild(tmp_path / "data") as child:
        child.check()
