"""A real broker and real packages as child processes, for tests that need no register."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from h2o_core.errors import Code, H2OError
from h2o_core.io.client import Client
from h2o_core.pb.stats_pb2 import Ask, BrokerReport, InstanceReport

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PATIENCE_S = 10.0


class Child:
    """A process that writes to a file and is gone at the end of the block, whatever happens in it."""

    def __init__(self, argv: list[str], log: Path, **env: str) -> None:
        self.log = log
        self._argv = argv
        self._env = env
        self._file: IO[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        environ = {**os.environ, "PYTHONPATH": str(ROOT), **self._env}
        self._file = self.log.open("ab")
        self.process = subprocess.Popen(self._argv, env=environ, cwd=ROOT, stdout=self._file, stderr=self._file)
        return self

    __enter__ = start

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait."""
        self.signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            msg = f"{self._argv} did not end:\n{self.output()}"
            raise AssertionError(msg) from None

    async def exits(self) -> int:
        return await asyncio.to_thread(self.wait)

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.kill()
        if self._file is not None:
            self._file.close()


class Host:
    """One host's directory: a broker that serves without the register, and packages beside it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.run_dir = directory / "run"
        self.run_dir.mkdir(mode=0o700)
        (directory / "state").mkdir(mode=0o700)
        self.endpoint = f"unix:{self.run_dir}/broker.sock"
        self.notes = directory / "notes"
        self._file = directory / "host.toml"
        self._file.write_text(
            f'host = "host-1"\nfleet = "test"\nzookeeper = "127.0.0.1:1"\nrun_dir = "{self.run_dir}"\n'
            f'state_dir = "{directory}/state"\ndev = true\n'
        )

    def broker(self) -> Child:
        argv = [sys.executable, "-m", "h2o_broker", "--host-file", str(self._file), "--verbose"]
        return Child(argv, self.directory / "broker.log")

    def author(self, **env: str) -> Child:
        log = self.directory / f"author-{time.monotonic_ns()}.log"
        argv = [sys.executable, "-m", "tests.support.author"]
        return Child(argv, log, **{"H2O_BROKER": str(self.run_dir), "AUTHOR_NOTES": str(self.notes), **env})

    def noted(self) -> list[str]:
        return self.notes.read_text().split("\n")[:-1] if self.notes.exists() else []

    async def until_noted(self, text: str) -> None:
        await until(lambda: text in self.noted(), f"{text!r} in the notes")

    async def report(self) -> BrokerReport:
        async with Client(self.endpoint, connect_timeout_s=PATIENCE_S) as client:
            return BrokerReport.FromString(await client.ask(Ask(what=Ask.REPORT)))

    async def instances(
        self, count: int, accept: Callable[[InstanceReport], bool] | None = None
    ) -> list[InstanceReport]:
        """Wait until *count* instances are registered that *accept* likes; those."""
        deadline_s = time.monotonic() + PATIENCE_S
        found: list[InstanceReport] = []
        while time.monotonic() < deadline_s:
            try:
                found = [each for each in (await self.report()).instances if accept is None or accept(each)]
            except H2OError as error:
                if error.code not in {Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN}:
                    raise
            if len(found) == count:
                return found
            await asyncio.sleep(0.02)
        msg = f"{len(found)} instances instead of {count}: {found}"
        raise AssertionError(msg)


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until *condition* holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            msg = f"not within {PATIENCE_S:g} s: {what}"
            raise AssertionError(msg)
        await asyncio.sleep(0.01)
