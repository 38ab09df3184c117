"""The processes that a bench starts: each is stopped on every path out, also on Ctrl-C and SIGTERM.

Children get a session of their own, so that Ctrl-C in the terminal reaches the bench alone, which
then stops them in reverse order. On Linux the kernel ends them too should the bench itself be killed.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final, Self

_STOP_S: Final = 8.0
_LEAVE_S: Final = 1.0
_TAIL_LINES: Final = 12
_PR_SET_PDEATHSIG: Final = 1


class BenchError(RuntimeError):
    """Something that is measured is missing or broken; the sentence says what, and what to do."""


class Child:
    """One running process; what it prints goes to a log that is shown when it fails."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take charge of *process*."""
        self.name = name
        self.log = log
        self._process = process

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def check(self) -> None:
        """Raise BenchError, with the end of its log, when it has ended."""
        status = self._process.poll()
        if status is not None:
            msg = f"{self.name} ended by itself (status {status}):\n{self.tail()}"
            raise BenchError(msg)

    def tail(self) -> str:
        """The last lines that it printed."""
        lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
        return "\n".join(f"  {line}" for line in lines) or "  (it printed nothing)"

    def said(self, pattern: str) -> re.Match[str] | None:
        """Where its log matches *pattern*; None: it has not said that yet."""
        return re.search(pattern, self.log.read_text(errors="replace"))

    def ask(self, question: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send one JSON line to its standard input and read one back; raises BenchError."""
        pipe_in, pipe_out = self._process.stdin, self._process.stdout
        if pipe_in is None or pipe_out is None:
            msg = f"{self.name} was started without pipes"
            raise BenchError(msg)
        self.check()
        try:
            pipe_in.write(json.dumps(question).encode() + b"\n")
            ready, _, _ = select.select([pipe_out], [], [], timeout_s)
            line = pipe_out.readline() if ready else b""
        except BrokenPipeError:
            line = b""
        if not line:
            self.check()
            msg = f"{self.name} did not answer within {timeout_s:g} s:\n{self.tail()}"
            raise BenchError(msg)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            msg = f"{self.name}: {answer['error']}"
            raise BenchError(msg)
        return answer

    def stop(self) -> None:
        """The end of its standard input, SIGTERM, then SIGKILL to its whole session; returns when it has ended."""
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_LEAVE_S)
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
        # The usual case is that nothing of its session is left.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Children:
    """All processes of a bench; leaving the block stops them, the youngest first."""

    def __init__(self, log_dir: Path) -> None:
        """Logs go to *log_dir*, one file a process."""
        self._log_dir = log_dir
        self._children: list[Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(
        self, name: str, argv: Sequence[str], env: Mapping[str, str] | None = None, *, pipes: bool = False
    ) -> Child:
        """Start *argv* under *name*; with *pipes* it can be asked. Raises BenchError when it can't be started."""
        log = self._log_dir / f"{name.replace(' ', '-')}.log"
        pipe = subprocess.PIPE if pipes else None
        with log.open("wb") as output:
            try:
                process = subprocess.Popen(
                    argv,
                    env={**os.environ, **(env or {})},
                    stdin=pipe or subprocess.DEVNULL,
                    stdout=pipe or output,
                    stderr=output,
                    bufsize=0,
                    start_new_session=True,
                    preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - the bench has one thread
                )
            except OSError as error:
                msg = f"{name} can't be started: {error}"
                raise BenchError(msg) from None
        child = Child(name, process, log)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise BenchError when one of them has ended."""
        for child in self._children:
            child.check()

    def stop(self) -> None:
        """Stop all that run."""
        while self._children:
            self._children.pop().stop()


def wait_until(condition: Callable[[], bool], what: str, children: Children, within_s: float = 10.0) -> None:
    """Return once *condition* holds; raises BenchError when a child ends or *within_s* pass."""
    give_up_s = time.monotonic() + within_s
    while not condition():
        children.check()
        if time.monotonic() > give_up_s:
            msg = f"waited {within_s:g} s in vain for {what}"
            raise BenchError(msg)
        time.sleep(0.01)


def leave_in_order() -> None:
    """Turn SIGTERM and SIGHUP into an exception, so that every `with` block stops what it started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
