"""What a round must not see at any moment: a thread that looks at a broker's picture again and again."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Self

from bench.faults.stage import PACKAGE, picture, report
from h2o_core.io.registry import Registry
from h2o_core.znodes.live import parse_live

if TYPE_CHECKING:
    from collections.abc import Collection

    from h2o_console.dev.fleet import Fleet
    from h2o_core.znodes.live import LiveHost

_EVERY_S: Final = 0.05
_PATIENCE_S: Final = 5.0


class Watch:
    """Notes each moment at which the broker of *host* would not send to service/counting on one of *wanted*."""

    def __init__(self, fleet: Fleet, host: str, wanted: Collection[str]) -> None:
        self.lapses: list[str] = []
        """One sentence for each change to the worse."""
        self.looks = 0
        self._fleet = fleet
        self._host = host
        self._wanted = frozenset(wanted)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name=f"watch at {host}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_PATIENCE_S)

    def end(self) -> list[str]:
        """Stop looking; what was seen."""
        self.__exit__()
        return self.lapses if self.looks else ["nobody could look at the picture"]

    def _look(self) -> None:
        began_s = time.monotonic()
        missing: frozenset[str] = frozenset()
        while not self._over.wait(_EVERY_S):
            with suppress(AssertionError):  # no answer in time is not an answer
                there = {
                    host.host
                    for host in picture(self._fleet, self._host).hosts
                    if any(one.package == PACKAGE and one.routable for one in host.instances)
                }
                self.looks += 1
                now_missing = self._wanted - there
                if now_missing - missing:
                    names = ", ".join(sorted(now_missing))
                    self.lapses.append(
                        f"after {time.monotonic() - began_s:.1f} s {self._host} did not route to {names}"
                    )
                missing = now_missing


async def _lives(fleet: Fleet) -> dict[str, LiveHost]:
    registry = Registry(fleet.zookeeper.address, fleet.name, dev=True)
    await registry.start(10)
    try:
        found: dict[str, LiveHost] = {}
        for host in fleet.hosts:
            path = registry.paths.live(host)
            node = await registry.get(path)
            if node is not None:
                found[host] = parse_live(path, node.data)
        return found
    finally:
        await registry.stop()


def unwritten(fleet: Fleet) -> list[str]:
    """What ZooKeeper does not say, or says otherwise, of the hosts that run: one sentence each."""
    lives = asyncio.run(_lives(fleet))
    wrong: list[str] = []
    for host in fleet.agents:
        told = report(fleet, host)
        live = lives.get(host)
        if live is None:
            wrong.append(f"{host} is not in the register")
        elif live.incarnation != told.incarnation:
            wrong.append(f"the register has another incarnation of {host}")
        elif {one.id for one in live.instances} != {one.instance for one in told.instances}:
            wrong.append(f"the register has other instances of {host} than its broker")
    return wrong
