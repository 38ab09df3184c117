"""A real fleet for system tests: three hosts in two zones on a real ZooKeeper, service/echo on each host."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from h2o_console.dev.fleet import Fleet
from h2o_console.dev.plan import HostPlan
from h2o_core.hostfile import InstanceSpec

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ROOT: Final = Path(__file__).parents[2]
ECHO: Final = InstanceSpec("/service/echo", (sys.executable, "-m", "tests.support.echo_package"), cwd=str(ROOT))
HOSTS: Final = tuple(HostPlan(f"host-{at}", zone, (ECHO,)) for at, zone in ((1, "a"), (2, "a"), (3, "b")))


@contextmanager
def running(directory: Path, hosts: tuple[HostPlan, ...] = HOSTS) -> Generator[Fleet]:
    """The fleet while the block lasts; nothing of it may be left after that."""
    fleet = Fleet(directory, hosts, name="test")
    try:
        fleet.start()
        fleet.wait_ready()
        yield fleet
    finally:
        fleet.stop()
    assert fleet.left_behind() == []


@pytest.fixture(scope="session")
def shared_fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """For tests that only look and call: leave it as you found it."""
    with running(tmp_path_factory.mktemp("fleet")) as fleet:
        yield fleet


@pytest.fixture
def own_fleet(tmp_path: Path) -> Iterator[Fleet]:
    """For tests that break something."""
    with running(tmp_path / "fleet") as fleet:
        yield fleet
