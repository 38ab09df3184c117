"""Three real ZooKeepers that need two of them: to be killed, stopped, wiped, and filled to the brim."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from h2o_core.io.zookeeper import ZooKeeperChild, ZooKeeperFailed, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SIZE = 3
BOUND_S = 40.0
"""Three Javas on two cores that others use too."""
SMALL_DISK = "size=12m"
_FILLER = "filler"


class CannotMount(Exception):
    """This machine does not let us mount a small disk; the sentence says why."""


@dataclass
class Member:
    """One server of the ensemble. `number` from 1."""

    number: int
    child: ZooKeeperChild
    disk: bool = False

    @property
    def data(self) -> Path:
        return self.child.data_dir / "data"

    @property
    def mode(self) -> str:
        """leader, follower, or "" while it does not serve."""
        return self.child.mode

    def kill(self) -> None:
        self.child.kill()

    def stop(self) -> None:
        """SIGSTOP: its connections stay, nobody answers."""
        self.child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.child.signal(signal.SIGCONT)

    def start(self) -> None:
        """Start it, without waiting: alone it would wait for ever."""
        self._write_id()
        self.child.launch()

    def wipe(self) -> None:
        """Everything that it knew is gone; it must not run."""
        for entry in self.data.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()

    def _write_id(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "myid").write_text(f"{self.number}\n")

    def mount(self) -> None:
        """Give it a disk of its own that is easily filled; before its first start. Raises CannotMount."""
        self.data.mkdir(parents=True, exist_ok=True)
        argv = ["mount", "-t", "tmpfs", "-o", SMALL_DISK, "h2o-test", str(self.data)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
        except OSError as error:
            raise CannotMount(str(error)) from None
        if done.returncode:
            raise CannotMount(done.stderr.strip() or f"mount exits with {done.returncode}")
        self.disk = True

    def fill(self) -> None:
        """Not a byte is left on its disk."""
        assert self.disk, "mount it first"
        try:
            with (self.data / _FILLER).open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(4096))
        except OSError:
            return

    def unmount(self) -> None:
        if self.disk:
            subprocess.run(["umount", "--lazy", str(self.data)], timeout=10, check=True)
            self.disk = False


class Ensemble:
    """`with Ensemble(directory) as ensemble`: all three serve. *small_disks*: each on a disk of 12 MiB."""

    def __init__(self, directory: Path, *, small_disks: bool = False) -> None:
        self._small_disks = small_disks
        ports = [(free_port(), free_port(), free_port()) for _ in range(SIZE)]
        servers = {
            f"server.{number}": f"127.0.0.1:{quorum}:{election}"
            for number, (_, quorum, election) in enumerate(ports, start=1)
        }
        # A leader that says nothing for two ticks (of a second) is none.
        settings = {"initLimit": "10", "syncLimit": "2", **servers}
        self.members = [
            Member(number, ZooKeeperChild(directory / f"zookeeper-{number}", client, settings))
            for number, (client, _, _) in enumerate(ports, start=1)
        ]

    @property
    def address(self) -> str:
        """What clients are given: all three."""
        return ",".join(member.child.address for member in self.members)

    @property
    def running(self) -> bool:
        """All processes are there."""
        return all(member.child.running for member in self.members)

    def start(self) -> None:
        """Start what does not run, and wait until all serve. Raises ZooKeeperFailed, CannotMount."""
        try:
            for member in self.members:
                if self._small_disks and not member.disk:
                    member.mount()
                member.start()
            self.until_serving()
        except BaseException:
            self.kill()
            raise

    def check(self) -> None:
        """Raise ZooKeeperFailed when one has ended."""
        for member in self.members:
            member.child.check()

    def kill(self) -> None:
        """Kill what runs and give the disks back."""
        for member in self.members:
            member.kill()
            member.unmount()

    stop = kill

    def log_tail(self, lines: int = 6) -> str:
        """The end of what each logged."""
        return "\n".join(f"{one.number}: {one.child.log_tail(lines)}" for one in self.members)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def until_serving(self, count: int = SIZE) -> float:
        """Wait until *count* of them serve; the seconds it took. Raises ZooKeeperFailed."""
        return _until(lambda: sum(bool(mode) for mode in self.modes()) >= count, f"{count} serve", self)

    def modes(self) -> list[str]:
        """What each serves as; a member that is stopped costs a second."""
        return [member.mode for member in self.members]

    def leader(self) -> Member:
        """The one that leads, as soon as one does."""
        found: list[Member] = []

        def look() -> bool:
            found[:] = [member for member in self.members if member.mode == "leader"]
            return bool(found)

        _until(look, "one leads", self)
        return found[0]

    def followers(self) -> list[Member]:
        """Those that serve and don't lead."""
        return [member for member in self.members if member.mode == "follower"]


def _until(condition: Callable[[], bool], what: str, ensemble: Ensemble) -> float:
    started_s = time.monotonic()
    while not condition():
        if time.monotonic() - started_s > BOUND_S:
            msg = f"not within {BOUND_S:g} s: {what}\n{ensemble.log_tail()}"
            raise ZooKeeperFailed(msg)
        time.sleep(0.05)
    return time.monotonic() - started_s


def why_no_mount() -> str:
    """Why a small disk can't be had on this machine; "" when it can be tried."""
    return "" if os.geteuid() == 0 and shutil.which("mount") else "mounting needs root and mount(8)"
