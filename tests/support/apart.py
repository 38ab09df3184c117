"""A host in a network namespace of its own, with one cable to this machine, which can be cut: a real partition."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from h2o_console.dev.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from h2o_console.dev.plan import HostPlan


class Cable:
    """Between this machine, at `here`, and the namespace, at `there`."""

    def __init__(self, name: str) -> None:
        self.name = name
        network = f"10.213.{secrets.randbelow(256)}"
        self.here, self.there = f"{network}.1", f"{network}.2"
        self._end, self._other_end = f"{name}a", f"{name}b"

    def lay(self) -> None:
        _ip("link", "add", self._end, "type", "veth", "peer", "name", self._other_end, "netns", self.name)
        _ip("addr", "add", f"{self.here}/30", "dev", self._end)
        _ip("link", "set", self._end, "up")
        _ip("-n", self.name, "addr", "add", f"{self.there}/30", "dev", self._other_end)
        _ip("-n", self.name, "link", "set", "lo", "up")
        self.mend()

    def cut(self) -> None:
        """At the far end: what is here keeps its address. Connections stay, and nothing comes through."""
        _ip("-n", self.name, "link", "set", self._other_end, "down")

    def mend(self) -> None:
        _ip("-n", self.name, "link", "set", self._other_end, "up")


class FleetApart(Fleet):
    """The host *far* runs in the namespace behind *cable* and reaches ZooKeeper at *zookeeper*; the others are here."""

    def __init__(self, directory: Path, hosts: Sequence[HostPlan], cable: Cable, far: str) -> None:
        super().__init__(directory, hosts, name="apart")
        self._cable = cable
        self._far = far
        self.far_zookeeper = ""
        """Known once ZooKeeper has started."""

    def _lines(self, host: str) -> Sequence[str]:
        at = self._cable.there if host == self._far else self._cable.here
        lines = [f'advertise = "{at}"', f'http_bind = "{at}"', "session_timeout_s = 2.0"]
        return [*lines, f'zookeeper = "{self.far_zookeeper}"'] if host == self._far else lines

    def _prefix(self, host: str) -> Sequence[str]:
        return ("ip", "netns", "exec", self._cable.name) if host == self._far else ()


@contextmanager
def cabled() -> Generator[Cable]:
    """Skips the test, and says why, where a namespace can't be made: that takes root, and iproute2."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces take root")
    if shutil.which("ip") is None:
        got = subprocess.run(
            ["apt-get", "install", "-y", "--no-install-recommends", "iproute2"], capture_output=True, check=False
        )
        if got.returncode or shutil.which("ip") is None:
            pytest.skip("there is no `ip`, and iproute2 can't be installed")
    cable = Cable(f"h2o{secrets.token_hex(3)}")
    made = subprocess.run(["ip", "netns", "add", cable.name], capture_output=True, check=False, text=True)
    if made.returncode:
        pytest.skip(f"this machine lets nobody make a network namespace: {made.stderr.strip()}")
    try:
        cable.lay()
        yield cable
    finally:
        _ip("netns", "del", cable.name)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
