"""Control changes as an operator's program makes them, on a fleet of this machine: write, wait for every broker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench.children import BenchError
from h2o_console.commands.applied import wait_for_all
from h2o_core.audit import Author, Edit
from h2o_core.control.hosts import encode_host_control
from h2o_core.control.traffic import encode_traffic
from h2o_core.io import changes
from h2o_core.io.registry import Registry
from h2o_core.names import dotted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_console.dev.fleet import Fleet
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic

_TIMEOUT_S = 10.0
_AUTHOR = Author("bench", "script/bench control")


def decide(fleet: Fleet, documents: Iterable[Traffic]) -> list[float]:
    """Write one after the other; the seconds of each from its commit until all agents say that it is applied.

    Raises BenchError when one does not within 10 s.
    """
    changes = ((f"control/traffic/{dotted(traffic.package)}", encode_traffic(traffic)) for traffic in documents)
    return asyncio.run(_decide(fleet, changes))


def decide_host(fleet: Fleet, host: str, control: HostControl | None) -> float:
    """Drain or avoid *host*, or neither; seconds and errors as `decide`, of the hosts that are meant to be up."""
    document = None if control is None else encode_host_control(control)
    return asyncio.run(_decide(fleet, [(f"control/hosts/{host}", document)]))[0]


async def _decide(fleet: Fleet, wanted: Iterable[tuple[str, bytes | None]]) -> list[float]:
    agents = {host: fleet.agent_address(host) for host in fleet.agents}
    registry = Registry(fleet.zookeeper.address, fleet.name, dev=True)
    took_s: list[float] = []
    try:
        await registry.start(_TIMEOUT_S)
        for path, data in wanted:
            node = await registry.get(path)
            edit = Edit(path, None if node is None else node.data, data)
            applied = await changes.apply(registry, [edit], _AUTHOR)
            began_s = time.monotonic()
            everybody = await asyncio.to_thread(
                wait_for_all, agents, applied.epoch, [path], _TIMEOUT_S, lambda _address: ""
            )
            took_s.append(time.monotonic() - began_s)
            if everybody.behind:
                raise BenchError(everybody.sentence(applied.epoch))
    finally:
        await registry.stop()
    return took_s
