"""The processes of a fleet on this machine: none outlives who started it, and what was left behind is found.

Beside each child stands a watcher that hangs on a pipe to the starter: when that dies, however suddenly, the
watcher sees the pipe's end and sends SIGTERM, and the child leaves in order. What even that misses carries a mark
in its environment, and is found by it at the next start; psutil tells processes by pid and start time, so no
stranger is ever ended.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Final

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MARK: Final = "H2O_DEV_DIRECTORY"
"""In the environment of every process of a fleet: whose fleet."""

_WATCHER: Final = 'read -r _ || kill -TERM "$1"'
_POLL_S: Final = 0.02
_TAIL_BYTES: Final = 8192
_WATCHER_S: Final = 1.0


class Child:
    """One process that ends with its starter."""

    def __init__(self, name: str, argv: Sequence[str], log: Path, environ: Mapping[str, str], cwd: Path) -> None:
        """Start *argv*; what it prints is appended to *log*."""
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(environ),
                cwd=cwd,
                start_new_session=True,  # Ctrl-C at the terminal is the starter's to handle
            )
        self._watcher = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHER, f"watcher of {name}", str(self._process.pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process; it may have ended."""
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit status, None while it runs."""
        status = self._process.poll()
        if status is not None:
            self._dismiss_watcher()
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.ended() is None:
            self._process.send_signal(number)

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False when it still runs."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        self._dismiss_watcher()
        return True

    def _dismiss_watcher(self) -> None:
        """Our death is no longer the child's: its process id may soon be somebody else's."""
        if self._watcher.returncode is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._watcher.communicate(b"\n", timeout=_WATCHER_S)

    def tail(self, lines: int = 12) -> str:
        """The end of what it printed since this start, for people."""
        return tail(self.log, self._log_start, lines)


def tail(log: Path, start: int = 0, lines: int = 12) -> str:
    """The last *lines* of a log from byte *start* on; "" when there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def marked(directory: str) -> list[psutil.Process]:
    """Every process of the fleet in *directory*, whoever started it; never this one."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == directory:
                found.append(process)
    return found


def end_all(processes: Iterable[psutil.Process], first: signal.Signals, grace_s: float) -> list[psutil.Process]:
    """Send *first*, and SIGKILL to what is left after *grace_s*; returns what had to be killed."""
    waiting = [process for process in processes if _send(process, first)]
    _, left = psutil.wait_procs(waiting, timeout=grace_s)
    killed = [process for process in left if _send(process, signal.SIGKILL)]
    psutil.wait_procs(killed, timeout=grace_s)
    return killed


def _send(process: psutil.Process, number: signal.Signals) -> bool:
    """Also to one that is stopped; psutil looks at the start time first. False when it has ended."""
    try:
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return False
    return True


def reap(directory: str, grace_s: float) -> int:
    """End whatever an earlier fleet in *directory* left behind; returns how many that were.

    Agents first: they take their brokers and instances along in order.
    """
    found = marked(directory)
    agents = [process for process in found if _is_agent(process)]
    if agents:
        end_all(agents, signal.SIGTERM, grace_s)
    end_all(marked(directory), signal.SIGTERM, grace_s)
    return len(found)


def _is_agent(process: psutil.Process) -> bool:
    try:
        return "h2o_agent" in process.cmdline()
    except psutil.Error:
        return False


def wait_until_gone(directory: str, timeout_s: float) -> list[psutil.Process]:
    """Wait for the fleet's processes to end by themselves; returns those that did not."""
    deadline_s = time.monotonic() + timeout_s
    while (left := marked(directory)) and time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
    return left
