"""Child processes: started in their own session, watched by pidfd, adopted after the agent's own restart.

A child writes to a file, never to the agent's pipe, and has a session of its own: it outlives a killed agent.
Processes that a child left behind in its session are killed when it ends, so that nothing runs twice.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import psutil

from h2o_agent.launch import CHILD_VARIABLE, LAUNCH_VARIABLE
from h2o_agent.limiting import keep
from h2o_agent.logs.opening import launch_line, open_log
from h2o_core.hostfile import DEFAULT_LOG_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_agent.launch import Launch
    from h2o_core.limits import Limits

POLL_S: Final = 0.1
START_TOLERANCE_S: Final = 0.05
"""psutil rounds to 0.01 s; no pid comes around again within this."""


class SpawnFailed(Exception):
    """The command could not be started; the sentence says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A process, beyond doubt: pids come around again, pid and start time do not. Unix seconds."""

    pid: int
    started_s: float


@dataclass(slots=True)
class _Watched:
    pid: int
    process: subprocess.Popen[bytes] | None
    """None: adopted, so it is no child of this very process and has no exit code for us."""
    pidfd: int


class Processes:
    """The running children by key. Everything happens on the loop that is running when it is made."""

    def __init__(
        self,
        on_exit: Callable[[str, int | None], None],
        run_dir: str = "",
        *,
        use_pidfd: bool = True,
        log_bytes: int = DEFAULT_LOG_BYTES,
    ) -> None:
        """*on_exit(key, exit code)* once for each process; the code is None when it can't be known.

        *run_dir*: the host's, by which its children are told from another's.
        *log_bytes*: what is kept of each one's log (h2o_agent.logs).
        """
        self._log_bytes = log_bytes
        self._on_exit = on_exit
        self._run_dir = run_dir
        self._loop = asyncio.get_running_loop()
        self._use_pidfd = use_pidfd and hasattr(os, "pidfd_open")
        self._watched: dict[str, _Watched] = {}

    def spawn(self, launch: Launch, token: str) -> Identity:
        """Start it; raises SpawnFailed."""
        assert launch.key not in self._watched
        mark = {LAUNCH_VARIABLE: token, CHILD_VARIABLE: f"{self._run_dir}#{launch.key}"}
        environment = {**os.environ, **launch.env, **mark}
        try:
            log = open_log(launch.log, self._log_bytes, _first_line(launch, token))
            try:
                process = subprocess.Popen(
                    launch.argv,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    cwd=launch.cwd or None,
                    start_new_session=True,
                )
            finally:
                os.close(log)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            raise SpawnFailed(_sentence(launch, error)) from None
        self._watch(launch.key, process.pid, process)
        # it is our child and not waited for yet: dead or alive, its pid is its own
        return Identity(process.pid, _started_s(process.pid) or 0.0)

    def left(self) -> dict[str, tuple[Identity, str]]:
        """Key → process and token of what was ever started for this host and still runs, whatever the ledger says."""
        found: dict[str, tuple[Identity, str]] = {}
        for process in psutil.process_iter() if self._run_dir else ():
            with suppress(psutil.Error, OSError):
                if os.getsid(process.pid) != process.pid or not _lives(process.pid):
                    continue
                environ = process.environ()
                run_dir, _, key = environ.get(CHILD_VARIABLE, "").rpartition("#")
                identity = Identity(process.pid, process.create_time())
                # what a child has started in a session of its own is younger than it
                older = key not in found or identity.started_s < found[key][0].started_s
                if run_dir == self._run_dir and key and older:
                    found[key] = identity, environ.get(LAUNCH_VARIABLE, "")
        return found

    def limit(self, key: str, limits: Limits) -> tuple[str, ...]:
        """Put limits on what has just been started; one sentence for each that is not kept."""
        return keep(limits, self._watched[key].pid)

    def adopt(self, key: str, identity: Identity, token: str) -> bool:
        """Watch a process that an earlier agent started; False when it is not there any more."""
        if not is_it(identity, token):
            return False
        self._watch(key, identity.pid, None)
        return True

    def terminate(self, key: str) -> None:
        """SIGTERM to the child itself: it is to leave by itself."""
        watched = self._watched.get(key)
        if watched is not None:
            _signal(watched, signal.SIGTERM)

    def kill(self, key: str) -> None:
        """SIGKILL to the child and to everything in its session's group."""
        watched = self._watched.get(key)
        if watched is not None:
            _signal(watched, signal.SIGKILL)
            _kill_group(watched.pid)

    def close(self) -> None:
        """Watch no longer; what runs, runs on."""
        for watched in self._watched.values():
            if watched.pidfd >= 0:
                self._loop.remove_reader(watched.pidfd)
                os.close(watched.pidfd)
            if watched.process is not None:
                watched.process.returncode = 0  # or Popen warns that it is still running, which is meant
        self._watched.clear()

    def _watch(self, key: str, pid: int, process: subprocess.Popen[bytes] | None) -> None:
        pidfd = _pidfd(pid) if self._use_pidfd else -1
        self._watched[key] = _Watched(pid, process, pidfd)
        if pidfd >= 0:
            self._loop.add_reader(pidfd, self._ended, key)
        else:
            self._loop.call_later(POLL_S, partial(self._poll, key, pid, _started_s(pid)))

    def _poll(self, key: str, pid: int, started_s: float | None) -> None:
        """Where there is no pidfd. Only the wait at the end reaps, so the pid stays the child's own until then."""
        watched = self._watched.get(key)
        if watched is None or watched.pid != pid:
            return
        if started_s is not None and _lives(pid) and _started_s(pid) == started_s:
            self._loop.call_later(POLL_S, partial(self._poll, key, pid, started_s))
        else:
            self._ended(key)

    def _ended(self, key: str) -> None:
        watched = self._watched.pop(key)
        if watched.pidfd >= 0:
            self._loop.remove_reader(watched.pidfd)
            os.close(watched.pidfd)
        _kill_group(watched.pid)  # before it is waited for: until then no other process can have its number
        code = watched.process.wait() if watched.process is not None else None
        self._on_exit(key, code)


def is_it(identity: Identity, token: str) -> bool:
    """Does this process live? Known by its start; where the clock was set since, by the token in its environment."""
    started_s = _started_s(identity.pid)
    if started_s is None or not _lives(identity.pid):
        return False
    return abs(started_s - identity.started_s) <= START_TOLERANCE_S or _token_of(identity.pid) == token


def find(token: str) -> Identity | None:
    """The process that was started with this token, if it lives: for an agent that died before it noted the pid."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            leads = os.getsid(process.pid) == process.pid  # its own children inherit the token, not the session's lead
            if leads and _lives(process.pid) and _token_of(process.pid) == token:
                return Identity(process.pid, process.create_time())
    return None


def identify(pid: int) -> Identity | None:
    """A process of this pid that lives now."""
    started_s = _started_s(pid)
    return Identity(pid, started_s) if started_s is not None and _lives(pid) else None


def is_traced(pid: int) -> bool:
    """Somebody looks at it with a debugger."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_TRACING_STOP
    except psutil.Error:
        return False


def _lives(pid: int) -> bool:
    """A zombie does not: in a container nobody may ever wait for what the last agent left."""
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.Error:
        return False


def _started_s(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except (psutil.Error, OSError):
        return None


def _token_of(pid: int) -> str:
    try:
        return psutil.Process(pid).environ().get(LAUNCH_VARIABLE, "")
    except (psutil.Error, OSError):
        return ""


def _pidfd(pid: int) -> int:
    if sys.platform == "linux":
        with suppress(OSError):  # an old kernel, or no descriptor left: polling does too
            return os.pidfd_open(pid)
    return -1


def _signal(watched: _Watched, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if watched.pidfd >= 0 and sys.platform == "linux":
            signal.pidfd_send_signal(watched.pidfd, number)
        else:
            os.kill(watched.pid, number)


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _first_line(launch: Launch, token: str) -> bytes:
    host = launch.env.get("H2O_HOST", "")
    return launch_line(launch.package, host, token, launch.argv) if launch.package and host else b""


def _sentence(launch: Launch, error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"{launch.argv[0]}: {error}"
    what = f"{error.filename or launch.argv[0]}: {error.strerror or error}"
    return f"{what}; see the command of {launch.package} in the host file" if launch.package else what
