"""Twenty operators at once on real ZooKeeper, some killed at random, some cut off while they commit.

Nothing is lost, doubled or half applied, and nobody ever drains the last instance. ``H2O_OPERATORS_S=60`` makes it last
a minute, and `-s` shows what was done.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from h2o_core.control.epoch import Epoch, encode_epoch
from h2o_core.plan.routes import routes
from h2o_core.plan.situation import decided_of
from tests.support.hosts import proxied, registered
from tests.support.operators import FLEET, OPERATORS
from tests.support.processes import Child
from tests.support.replay import history, holds, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from h2o_core.io.registry import Registry
    from tests.support.hosts import Proxy

LASTS_S = float(os.environ.get("H2O_OPERATORS_S", "6"))
PROCESSES = 5
CUT_OFF = 2
"""So many of them are behind a proxy that cuts their connections."""


@dataclass
class Crowd:
    """Processes that are started again when they were killed."""

    fleet: str
    logs: Path
    stack: ExitStack
    children: dict[int, Child] = field(default_factory=dict[int, Child])
    serial: int = 0
    killed: int = 0

    def start(self, place: int, zookeeper: str) -> None:
        self.serial += 1
        argv = [sys.executable, "-m", "tests.support.operators", zookeeper, self.fleet, str(self.serial)]
        self.children[place] = self.stack.enter_context(Child(argv, self.logs / f"{self.serial}.log"))

    def kill(self, place: int) -> None:
        self.children[place].kill()
        self.killed += 1

    def told(self) -> dict[str, int]:
        """Change id → epoch, of all that somebody was told is applied; a line that a kill has cut is none."""
        lines = [
            line.split()
            for log in self.logs.glob("*.log")
            for line in log.read_text().splitlines(keepends=True)
            if line.endswith("\n")
        ]
        assert all(len(line) == 2 and line[0].isdecimal() for line in lines), lines
        return {change_id: int(epoch) for epoch, change_id in lines}


async def begin(registry: Registry) -> None:
    await registry.create("control/epoch", encode_epoch(Epoch()))


def disturb(crowd: Crowd, zookeeper: str, proxy: Proxy) -> None:
    """Kill one, or cut some off, again and again."""
    dice = random.Random(7)
    until = time.monotonic() + LASTS_S
    while time.monotonic() < until:
        time.sleep(dice.uniform(0.2, 0.8))
        if dice.random() < 0.5:
            proxy.cut()
            time.sleep(dice.uniform(0.0, 0.2))
            proxy.resume()
        else:
            place = dice.randrange(PROCESSES)
            crowd.kill(place)
            crowd.start(place, proxy.address if place < CUT_OFF else zookeeper)


def test_nothing_is_lost_doubled_or_half_applied(zookeeper: str, fleet_name: str, tmp_path: Path) -> None:
    registered(zookeeper, fleet_name, begin)
    with ExitStack() as stack, proxied(zookeeper) as proxy:
        crowd = Crowd(fleet_name, tmp_path, stack)
        for place in range(PROCESSES):
            crowd.start(place, proxy.address if place < CUT_OFF else zookeeper)
        disturb(crowd, zookeeper, proxy)
        for place in range(PROCESSES):
            crowd.kill(place)
        decided, entries = registered(zookeeper, fleet_name, history)

        assert PROCESSES * OPERATORS == 20
        assert crowd.killed > PROCESSES
        holds(decided, entries)
        ids = {entry.change_id: entry.epoch for entry in entries}
        told = crowd.told()
        assert len(told) > 20, "they were at work"
        assert told.items() <= ids.items(), "what was told is applied, once"
        assert any(entry.undo_of for entry in entries)

        for entry, there in replayed(entries, decided_of(0, {})):
            assert not entry.forced
            assert all(route.well for route in routes(there, FLEET).values()), entry
        sys.stdout.write(f"{len(entries)} changes, {len(told)} told, {crowd.killed} killed\n")
