"""`h2o dev` as a process, for tests: what it said, what it started, and that nothing of it is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from h2o_console.dev.children import marked, reap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
H2O = str(Path(sys.executable).with_name("h2o"))
RUN = f"service/echo@host-1={sys.executable} -m tests.support.echo_package"
READY_S = 40.0
GONE_S = 15.0


@dataclass
class Dev:
    """One `h2o dev`, and what it said."""

    directory: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list["subprocess.Popen[str]"])

    def start(self, *more: str) -> subprocess.Popen[str]:
        """Two hosts, one of them with service/echo."""
        return self.run("--hosts", "2", "--run", RUN, *more)

    def run(self, *arguments: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
        """`h2o dev` with these arguments, in this directory."""
        argv = [H2O, "dev", "--http-port", "0", "--dir", str(self.directory), *arguments]
        process = subprocess.Popen(
            argv,
            env=self.environ,
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def start_and_wait(self, *more: str) -> tuple[subprocess.Popen[str], str]:
        process = self.start(*more)
        return process, self.until_ready(process)

    def until_ready(self, process: subprocess.Popen[str]) -> str:
        """What it prints until its fleet is up."""
        assert process.stdout
        printed: list[str] = []
        deadline = time.monotonic() + READY_S
        for line in process.stdout:
            printed.append(line)
            if "Ctrl-C stops it" in line:
                return "".join(printed)
            assert time.monotonic() < deadline
        pytest.fail(f"it ended: {process.communicate()}")

    def h2o(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [H2O, *arguments], env=self.environ, capture_output=True, text=True, check=False, timeout=30, cwd=ROOT
        )

    def stop(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Ctrl-C; what it printed since."""
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=GONE_S)

    def alive(self) -> list[psutil.Process]:
        """Everything of this fleet: what carries its mark, and its ZooKeeper."""
        found = marked(str(self.directory.resolve()))
        for process in psutil.process_iter():
            try:
                if str(self.directory / "zookeeper") in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def programs(self, word: str) -> list[psutil.Process]:
        """Those of `alive` whose command line has *word* in it."""
        found: list[psutil.Process] = []
        for process in self.alive():
            with suppress(psutil.Error):  # it ended between two looks
                if any(word in part for part in process.cmdline()):
                    found.append(process)
        return found


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Dev]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("H2O_")}
    environ["H2O_CONFIG"] = str(tmp_path / "config.toml")
    there = Dev(tmp_path / "fleet", environ)
    yield there
    for process in there.started:
        process.kill()
        process.communicate()
    reap(str(there.directory.resolve()), 5.0)


def within(bound_s: float, seen: Callable[[], bool], what: Callable[[], Any]) -> None:
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < bound_s, what()
        time.sleep(0.05)


def gone(dev: Dev) -> None:
    within(GONE_S, lambda: not dev.alive(), dev.alive)
