"""Runs one instance for `h2o dev --reload`, and a new one in its place when a file of it is saved.

The agent's child in place of the package's own command: ``python -m h2o_console.dev.reloader NOTES NAME COMMAND…``.
The new instance is started first; once the broker has it, the old one is told to leave and finishes what it has, so
no caller sees a reload. One that does not come up (a syntax error) is noted with its line, and the old one runs on.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from h2o_console.dev.blame import blame
from h2o_console.dev.changes import MOST_FILES, changed, named, scan
from h2o_core.context import BROKER_SOCKET
from h2o_core.errors import H2OError
from h2o_core.io.client import Client
from h2o_core.io.clock import monotonic_ns, unix_s
from h2o_core.pb.stats_pb2 import Ask, BrokerReport

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOK_S: Final = 0.3
_SETTLED_S: Final = 0.1
"""Files that have not changed for this long are saved: an editor or git may write many."""
_LOOK_SHARE: Final = 20
"""A look may take a twentieth of the time: a large directory is looked at less often."""
_POLL_S: Final = 0.05
_READY_S: Final = 30.0
_GRACE_S: Final = 12.0
"""A package's own grace is 10 s."""
_NEWLY_S: Final = 10.0
"""A file that is older has been moved here with its old time; the time it takes is counted from when it was seen."""
_LONGEST_PAUSE_S: Final = 10.0
_TAIL_BYTES: Final = 32_768


class Outcome(Enum):
    """How an attempt to start went."""

    READY = auto()
    ENDED = auto()
    LATE = auto()
    CHANGED = auto()
    STOPPED = auto()


class Reloader:
    """One instance and its successors. Everything happens on the running loop."""

    def __init__(self, argv: Sequence[str], client: Client, notes: Path, name: str) -> None:
        self._argv = list(argv)
        self._client = client
        self._notes = notes
        self._name = name
        self._directory = str(Path.cwd())
        self._stop = asyncio.Event()
        self._current: subprocess.Popen[bytes] | None = None
        self._stamps = scan(self._directory)
        self._files: list[str] = []
        """Saved since the last instance that came up."""
        self._pending = False
        """Files were saved while an instance came up that does not have them."""
        self._saved_s = unix_s()
        self._look_at_ns = 0
        self._log_start = 0
        self._failures = 0
        self._said = ""

    def stop(self) -> None:
        """Leave in order."""
        self._stop.set()

    async def run(self) -> int:
        """Until stopped, or until an instance that was ready ends by itself; returns its exit code, or 0."""
        if len(self._stamps) >= MOST_FILES:
            self._note(
                "watching", f"only the first {MOST_FILES} files of {self._directory} are watched; run it in its own"
            )
        while not self._stop.is_set():
            candidate = self._spawn()
            outcome = await self._until_ready(candidate)
            if outcome is Outcome.READY and candidate is not None:
                old, self._current = self._current, candidate
                self._came_up()
                await _retire(old)
            else:
                await self._give_up(candidate)
                if outcome in {Outcome.ENDED, Outcome.LATE}:
                    self._did_not(candidate, outcome)
            if outcome is Outcome.CHANGED:
                continue
            await self._until_due()
            if self._current is not None and (code := self._current.poll()) is not None:
                return code
        await _retire(self._current)
        return 0

    async def _give_up(self, candidate: subprocess.Popen[bytes] | None) -> None:
        """It never was registered. When we are stopped the current one has to hear of it at the same time."""
        if self._stop.is_set():
            await asyncio.gather(_retire(candidate), _retire(self._current))
        else:
            await _retire(candidate)

    # --- waiting

    async def _until_ready(self, candidate: subprocess.Popen[bytes] | None) -> Outcome:
        began_ns = monotonic_ns()
        while candidate is not None and candidate.poll() is None:
            if self._stop.is_set():
                return Outcome.STOPPED
            if await self._is_registered(candidate.pid):
                return Outcome.READY
            if await self._files_changed():
                # it may have come up since the last look: then it serves, and the save is for the next one
                self._pending = await self._is_registered(candidate.pid)
                return Outcome.READY if self._pending else Outcome.CHANGED
            if self._current is not None and monotonic_ns() - began_ns > _READY_S * 1e9:
                return Outcome.LATE
            await self._pause(_POLL_S)
        return Outcome.ENDED

    async def _until_due(self) -> None:
        """Until files have changed, the instance has ended, a failed start is due again, or stop."""
        if self._pending:
            self._pending = False
            return
        due_ns = monotonic_ns() + int(min(_LONGEST_PAUSE_S, 2.0**self._failures) * 1e9)
        while not self._stop.is_set():
            if await self._files_changed():
                return
            if self._current is None and monotonic_ns() > due_ns:
                return
            if self._current is not None and self._current.poll() is not None:
                return
            await self._pause(_POLL_S)

    async def _files_changed(self) -> bool:
        """Whether code has changed since the last start and has settled; it looks some three times a second."""
        if monotonic_ns() < self._look_at_ns:
            return False
        stamps = self._look()
        if not changed(self._stamps, stamps):
            return False
        while not self._stop.is_set():
            await self._pause(_SETTLED_S)
            after = scan(self._directory)
            if after == stamps:
                break
            stamps = after
        files = changed(self._stamps, stamps)
        self._stamps = stamps
        now_s = unix_s()
        saved_s = max([stamps[each][0] / 1e9 for each in files if each in stamps], default=now_s)
        self._saved_s = saved_s if 0 <= now_s - saved_s < _NEWLY_S else now_s
        for each in files:
            if each.endswith(".proto"):
                self._note("proto", f"{each} has changed; generate its code: {self._compile_step(each)}")
        self._files = [each for each in files if each.endswith(".py")]
        self._failures = 0
        return bool(self._files)

    def _look(self) -> dict[str, tuple[int, int]]:
        began_ns = monotonic_ns()
        stamps = scan(self._directory)
        took_ns = monotonic_ns() - began_ns
        self._look_at_ns = monotonic_ns() + max(int(_LOOK_S * 1e9), _LOOK_SHARE * took_ns)
        return stamps

    def _compile_step(self, proto: str) -> str:
        step = Path(self._directory, proto).with_name("compile.py")
        return f"python {step.relative_to(self._directory)}" if step.exists() else f"protoc --python_out=. {proto}"

    async def _is_registered(self, pid: int) -> bool:
        try:
            report = BrokerReport.FromString(await self._client.ask(Ask(what=Ask.REPORT)))
        except H2OError:
            return False  # the broker restarts
        ready = {each.pid for each in report.instances if each.state == "ready"}
        return pid in ready or not ready.isdisjoint(_descendants(pid))

    async def _pause(self, seconds: float) -> None:
        """Sleep, but no longer than until `stop`."""
        try:
            async with asyncio.timeout(seconds):
                await self._stop.wait()
        except TimeoutError:
            return

    # --- processes and what they said

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        self._log_start = _log_size()
        try:
            return subprocess.Popen(self._argv, stdin=subprocess.DEVNULL)  # our own group: it is killed with us
        except OSError as error:
            os.write(2, f"{self._argv[0]}: {error.strerror}\n".encode())
            return None

    def _came_up(self) -> None:
        took_s = unix_s() - self._saved_s
        self._failures, self._said = 0, ""
        if self._pending:
            self._note("ready", "")
            return
        self._note("ready", named(self._files) if self._files else "", took_s)
        self._files = []

    def _did_not(self, candidate: subprocess.Popen[bytes] | None, outcome: Outcome) -> None:
        self._failures += 1
        if outcome is Outcome.LATE:
            why = f"not registered within {_READY_S:g} s"
        else:
            code = f"exit code {candidate.returncode}" if candidate is not None else "it can't be started"
            why = blame(_log_since(self._log_start), self._directory) or code
        if why != self._said and self._current is not None:
            self._note("kept", f"does not start: {why}; the instance from before runs on")
        elif why != self._said:
            self._note("down", f"does not start: {why}; started again when a file is saved")
        self._said = why

    def _note(self, state: str, text: str, took_s: float = 0.0) -> None:
        who = os.environ.get("H2O_LAUNCH", "")
        line = json.dumps({"who": who, "name": self._name, "state": state, "text": text, "took_s": took_s})
        try:
            with self._notes.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError:
            return  # h2o dev has gone, and we follow soon


async def _retire(process: subprocess.Popen[bytes] | None) -> None:
    """SIGTERM, and SIGKILL to what has not left in time. One that has ended is waited for."""
    if process is None:
        return
    process.terminate()
    deadline_ns = monotonic_ns() + int(_GRACE_S * 1e9)
    while process.poll() is None:
        if monotonic_ns() > deadline_ns:
            process.kill()
        await asyncio.sleep(_POLL_S)


def _descendants(pid: int) -> set[int]:
    """The package may be a child of what was started: a shell's."""
    try:
        return {each.pid for each in psutil.Process(pid).children(recursive=True)}
    except psutil.Error:
        return set()


def _log_size() -> int:
    try:
        return os.fstat(2).st_size
    except OSError:
        return 0


def _log_since(start: int) -> str:
    """What our log says from byte *start* on, as far as this system lets it be read by its descriptor."""
    try:
        with Path("/proc/self/fd/2").open("rb") as log:
            log.seek(max(start, _log_size() - _TAIL_BYTES))
            return log.read().decode(errors="replace")
    except OSError:
        return ""


async def _main(notes: Path, name: str, argv: list[str]) -> int:
    endpoint = f"unix:{os.environ['H2O_BROKER']}/{BROKER_SOCKET}"
    async with Client(endpoint, program="h2o dev", connect_timeout_s=_READY_S) as client:
        reloader = Reloader(argv, client, notes, name)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, reloader.stop)
        return await reloader.run()


def main() -> int:
    """Run it; ends as the instance has ended."""
    notes, name, *argv = sys.argv[1:]
    code = asyncio.run(_main(Path(notes), name, argv))
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main())
