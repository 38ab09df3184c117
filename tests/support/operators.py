"""Operators who change control all the time, some in each process: ``python -m tests.support.operators ZK FLEET SEED``.

Each plans with the real planner for the small fleet of `FLEET`, and applies with the real `execute`; a line on standard
output for every change that it was told is applied: ``<epoch> <change id>``.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from h2o_core.audit import Author, Entry, parse_entry
from h2o_core.control.traffic import WHOLE
from h2o_core.io import changes
from h2o_core.io.changes import Refused, StaleChange
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import NoNode, RegisterError, Registry
from h2o_core.plan.intents import Avoid, Drain, Restore, Shift, Undo
from h2o_core.plan.plan import CannotPlan, Plan
from h2o_core.plan.planning import plan
from h2o_core.plan.situation import Demand, Situation
from tests.support.situations import A, B, running, three_hosts, with_demand

if TYPE_CHECKING:
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Decided

OPERATORS = 4
"""In each process."""
HOSTS = ("host-1", "host-2", "host-3")
FLEET = with_demand(
    three_hosts(*(running(A, "2.0", host) for host in HOSTS), *(running(B, "1.0", host) for host in HOSTS[1:])),
    A,
    "1.0",
    Demand(2.0, 50.0, 0.0),
)


async def operate(registry: Registry, name: str, dice: Random) -> None:
    """Until the process ends."""
    author = Author(f"{name}@desk", "a test", "because")
    mine: list[int] = []
    while True:
        intent: Intent | None = await _undo(registry, mine, dice) if mine and dice.random() < 0.2 else _any(dice)

        def make(decided: Decided, intent: Intent | None = intent) -> Plan:
            assert intent is not None
            return plan(intent, Situation(decided, FLEET), author, unix_s())

        if intent is not None:
            with suppress(CannotPlan, Refused, StaleChange, RegisterError):
                applied = await changes.execute(registry, make, author)
                if applied.change_id:
                    mine.append(applied.epoch)
                    sys.stdout.write(f"{applied.epoch} {applied.change_id}\n")
                    sys.stdout.flush()
        await asyncio.sleep(dice.random() / 50)


def _any(dice: Random) -> Intent:
    host = dice.choice(HOSTS)
    part = dice.randrange(WHOLE)
    until_s = unix_s() + 3_600
    return dice.choice(
        [
            Shift(A, {"2.0": part}),
            Shift(A, {"1.0": part, "2.0": WHOLE - part}),
            Drain((host,), until_s, 300.0),
            Drain((host,), until_s, 300.0),
            Avoid((host,), until_s),
            Restore((host,)),
        ]
    )


async def _undo(registry: Registry, mine: list[int], dice: Random) -> Undo | None:
    with suppress(RegisterError):
        entry = await entry_at(registry, dice.choice(mine[-4:]))
        return Undo(entry) if entry is not None else None
    return None


async def entry_at(registry: Registry, epoch: int) -> Entry | None:
    """The journal's, or None."""
    with suppress(NoNode):
        for day in await registry.children("audit"):
            node = await registry.get(f"audit/{day}/{epoch}")
            if node is not None:
                return parse_entry(f"audit/{day}/{epoch}", node.data)
    return None


async def main(zookeeper: str, fleet: str, seed: int) -> None:
    """OPERATORS of them, with one session."""
    registry = Registry(zookeeper, fleet, dev=True, session_timeout_s=4.0)
    await registry.start(30)
    try:
        await asyncio.gather(
            *(operate(registry, f"op-{seed}-{number}", Random(f"{seed}/{number}")) for number in range(OPERATORS))
        )
    finally:
        await registry.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
