"""A simulated fleet while a block lasts: ZooKeeper, and a few processes that serve its agents."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.children import Child, Children
from bench.fleet import running_zookeeper
from bench.lanes import python
from bench.simulator.process import Task

_START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Size:
    """How large it is: instances are those of each host. Not `busy`: nobody calls anything in it."""

    hosts: int = 250
    instances: int = 20
    packages: int = 80
    processes: int = 4
    busy: bool = True


FULL: Final = Size()
"""What the console is measured with."""


@dataclass(frozen=True, slots=True)
class SimulatedFleet:
    """Where it is: host → port of its agent, on loopback."""

    size: Size
    zookeeper: str
    ports: dict[str, int]
    processes: tuple[Child, ...]

    @property
    def agent(self) -> str:
        """The first host's agent, for `h2o-console --agent`."""
        return f"http://127.0.0.1:{next(iter(self.ports.values()))}"


@contextmanager
def simulated_fleet(directory: Path, size: Size = FULL) -> Generator[SimulatedFleet]:
    """Run it; raises BenchError, or MissingPeer without ZooKeeper."""
    with running_zookeeper(directory / "zookeeper") as zookeeper, Children(directory) as children:
        started = [
            children.start(
                f"hosts {first}", python("bench.simulator.process", _task(zookeeper, size, first)), pipes=True
            )
            for first in _firsts(size)
        ]
        ports: dict[str, int] = {}
        for child in started:
            ports.update(child.ask({}, _START_S)["ports"])
        yield SimulatedFleet(size, zookeeper, dict(sorted(ports.items())), tuple(started))


def _step(size: Size) -> int:
    return -(-size.hosts // size.processes)


def _firsts(size: Size) -> range:
    return range(0, size.hosts, _step(size))


def _task(zookeeper: str, size: Size, first: int) -> str:
    last = min(first + _step(size), size.hosts)
    return Task(zookeeper, size.hosts, size.instances, size.packages, first, last, size.busy).to_json()
