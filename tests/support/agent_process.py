"""A real agent, started as an operator would, with a host file of its own; nothing of its host outlives a test."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
BOUND_S = 10.0
NOBODY = "127.0.0.1:1"
"""A ZooKeeper address where nobody listens."""


class _UnixConnection(HTTPConnection):
    """HTTP over a Unix socket. (httpx leaves its socket open when nobody listens.)"""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("agent", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status_code: int
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.content))


@dataclass
class AgentProcess:
    """`python -m h2o_agent` in a directory of its own; `instances` is the host file's tail, in TOML."""

    directory: Path
    zookeeper: str = NOBODY
    host: str = "host-1"
    fleet: str = "test"
    instances: str = ""
    extra: str = ""
    dev: bool = True
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def run_dir(self) -> Path:
        return self.directory / "run"

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    @property
    def endpoint(self) -> str:
        return f"unix:{self.run_dir}/broker.sock"

    @property
    def log(self) -> str:
        return (self.directory / "agent.log").read_text()

    def write_hostfile(self) -> Path:
        path = self.directory / "host.toml"
        path.write_text(
            f'host = "{self.host}"\nfleet = "{self.fleet}"\nzone = "a"\nzookeeper = "{self.zookeeper}"\n'
            f'run_dir = "{self.run_dir}"\nstate_dir = "{self.state_dir}"\ndev = {str(self.dev).lower()}\n'
            f"{self.extra}\n{self.instances}\n"
        )
        return path

    def command(self, *more: str) -> list[str]:
        return [sys.executable, "-m", "h2o_agent", "--host-file", str(self.write_hostfile()), *more]

    def start(self) -> Self:
        with (self.directory / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=ROOT, stdout=log, stderr=log)
        return self

    __enter__ = start

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for process in self.processes():
            process.kill()
        self.until(lambda: not self.processes(), "all of them are gone")

    def kill(self) -> None:
        """SIGKILL to the agent alone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def terminate(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(BOUND_S * 2)
        except subprocess.TimeoutExpired:
            msg = f"the agent did not end:\n{self.log}"
            raise AssertionError(msg) from None

    def processes(self) -> list[psutil.Process]:
        """Everything that runs for this host, whoever started it: known by the run directory in its environment."""
        found: list[psutil.Process] = []
        for process in psutil.process_iter():
            try:
                ours = process.environ().get("H2O_BROKER") == str(self.run_dir)
                ours = ours or str(self.directory / "host.toml") in process.cmdline()
                if ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return [process for process in found if process.pid != os.getpid()]

    def children(self) -> set[int]:
        """The same without the agent itself."""
        own = self.process.pid if self.process is not None else 0
        return {process.pid for process in self.processes() if process.pid != own}

    def get(self, path: str, timeout_s: float = BOUND_S) -> Reply:
        """Over the Unix socket; raises OSError while nobody serves it."""
        with closing(_UnixConnection(str(self.run_dir / "agent.sock"), timeout_s)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read())

    def json(self, path: str) -> dict[str, Any]:
        """The document, whatever the status; empty while nobody answers."""
        try:
            return self.get(path).json()
        except (OSError, HTTPException):
            return {}

    def rows(self, path: str = "/instances") -> list[dict[str, Any]]:
        """The instances, hosts or features that the path lists; none while it can't say."""
        return self.json(path).get(path.partition("?")[0].strip("/"), [])

    def ready(self) -> list[dict[str, Any]]:
        """The instances that are registered and ready."""
        return [row for row in self.rows() if row["state"] == "ready"]

    def until(self, condition: Callable[[], object], what: str, bound_s: float = BOUND_S) -> None:
        """Wait until it holds; the agent's log tells why it does not."""
        limit_s = time.monotonic() + bound_s
        while not condition():
            assert time.monotonic() < limit_s, f"not within {bound_s} s: {what}\n{self.json('/instances')}\n{self.log}"
            time.sleep(0.02)

    def until_ready(self, count: int) -> list[dict[str, Any]]:
        """Wait until exactly *count* instances are ready and no other is listed; those."""
        self.until(lambda: len(self.ready()) == count == len(self.rows()), f"{count} instances are ready")
        return self.ready()


def kill(pid: int) -> None:
    """SIGKILL."""
    os.kill(pid, signal.SIGKILL)
