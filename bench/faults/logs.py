"""Faults of where logs are written: a full disk."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.children import BenchError
from h2o_console.asking.hoststats import ask_host
from tests.support.ensemble import why_no_mount

if TYPE_CHECKING:
    from collections.abc import Generator

    from bench.faults.result import Result
    from bench.faults.stage import Stage

_DISK: Final = "size=4m"
_CHATTY: Final = "/service/chatty"
_FULL_S: Final = 4.0


def disk_full(stage: Stage) -> Result:
    """The disk that host-1's logs are on is full: lines are dropped and counted, and nobody's request notices.

    Mended when the agent has counted them, after there is room again.
    """
    if reason := why_no_mount():
        raise BenchError(reason)
    logs = stage.directory / "fleet" / "hosts" / "host-1" / "logs"
    stage.enter(_mounted(logs))
    chatty = stage.counting(_CHATTY, COUNTING_LINES_PER_S="300")
    fleet = stage.fleet(2, more={"host-1": [chatty]})
    clients = [stage.load(fleet, host) for host in fleet.hosts]

    def dropped() -> int:
        return ask_host(fleet.agent_address("host-1"), 5.0).vitals.log_lines_dropped

    stage.pass_s(1, clients)
    broken = [f"{dropped()} lines were dropped before the disk was full"] if dropped() else []
    filler = logs / "filler"
    _fill(filler)
    stage.pass_s(_FULL_S, clients)
    filler.unlink()
    freed_s = stage.wait(lambda: True, "there is room again")
    count = stage.wait_for(dropped, "the agent knows how many lines were lost")
    counted_s = stage.wait(lambda: True, "it does")
    before = _size(logs)
    stage.wait(lambda: _size(logs) > before, "lines are written again")
    broken += [f"{one['launch']} was restarted" for one in fleet.instances("host-1") if one["restarts"]]
    return stage.settle(counted_s - freed_s, clients, broken=broken, extra={"lines_dropped": count})


@contextmanager
def _mounted(directory: Path) -> Generator[None]:
    """A small disk of its own there; raises BenchError."""
    directory.mkdir(parents=True, mode=0o700)
    argv = ["mount", "-t", "tmpfs", "-o", f"{_DISK},mode=0700", "h2o-test", str(directory)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    if done.returncode:
        raise BenchError(done.stderr.strip() or f"mount exits with {done.returncode}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], timeout=10, check=True)


def _fill(filler: Path) -> None:
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
    except OSError:
        return


def _size(logs: Path) -> int:
    return sum(path.stat().st_size for path in logs.glob("*.log"))
