"""Faults of the conductor: its agent is killed, stopped for longer than its session, or leaves, again and again.

While it is away avoids come to their end. One successor leads each time; each avoid ends once, and the journal has
an entry for every number of the epoch.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, fetch
from h2o_console.dev.fleet import Fleet
from h2o_core.audit import Author, Edit, Entry, parse_entry
from h2o_core.control.hosts import HostControl, HostState, encode_host_control
from h2o_core.io import changes
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import NoNode, Registry
from h2o_core.plan.situation import HOSTS

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage

SESSION_S: Final = 6.0
STRIKES: Final = 3
_HOSTS: Final = 3
_AVOIDED_S: Final = 2.0
_WITHIN_S: Final = 15.0
_AUTHOR: Final = Author("bench", "script/bench faults", "to see it end")
T = TypeVar("T")


def killed(stage: Stage) -> Result:
    """SIGKILL to the conductor's agent: succeeded when all others name one that leads; the slowest of all times."""
    return _again_and_again(stage, lambda fleet, host: _signal(fleet, host, signal.SIGKILL), Fleet.start_host)


def stopped(stage: Stage) -> Result:
    """SIGSTOP to it, until a successor leads and the avoid is over, then SIGCONT."""
    return _again_and_again(
        stage,
        lambda fleet, host: _signal(fleet, host, signal.SIGSTOP),
        lambda fleet, host: _signal(fleet, host, signal.SIGCONT),
    )


def left(stage: Stage) -> Result:
    """SIGTERM to it: it hands over before its instances leave."""

    def mend(fleet: Fleet, host: str) -> None:
        fleet.agents.pop(host).wait(_WITHIN_S)
        fleet.start_host(host)

    return _again_and_again(stage, lambda fleet, host: _signal(fleet, host, signal.SIGTERM), mend)


def _signal(fleet: Fleet, host: str, number: signal.Signals) -> None:
    fleet.kill_agent(host, number)


def _again_and_again(stage: Stage, strike: Callable[[Fleet, str], None], mend: Callable[[Fleet, str], None]) -> Result:
    fleet = stage.fleet(_HOSTS)
    client = stage.load(fleet, "host-1")
    succeeded_s: list[float] = []
    hosts = list(fleet.hosts)
    conductor = _conductor(stage, fleet, hosts)
    for at in range(STRIKES):
        avoided = hosts[at % _HOSTS]
        _avoid(fleet, avoided)
        others = [host for host in hosts if host != conductor]
        struck_s = time.monotonic()
        strike(fleet, conductor)
        successor = _conductor(stage, fleet, others, but=conductor)
        succeeded_s.append(time.monotonic() - struck_s)
        stage.wait(lambda host=avoided: not _is_avoided(fleet, host), f"{avoided} is avoided no more", _WITHIN_S)
        mend(fleet, conductor)
        fleet.wait_ready()
        conductor = _conductor(stage, fleet, hosts)
        if conductor != successor:
            stage.say(f"{successor} was succeeded without need, by {conductor}")
    stage.pass_s(1, [client])
    epoch, entries = _register(fleet, _journal)
    broken = [] if len(entries) == epoch else [f"epoch {epoch}, and {len(entries)} entries in the journal"]
    ended = [entry for entry in entries if entry.author.actor.startswith("conductor@")]
    broken += [] if len(ended) == STRIKES else [f"{STRIKES} avoids, {len(ended)} ends of them in the journal"]
    extra = {"fastest_s": min(succeeded_s), "strikes": STRIKES}
    return stage.settle(max(succeeded_s), [client], broken=broken, extra=extra)


def _conductor(stage: Stage, fleet: Fleet, hosts: Sequence[str], but: str = "") -> str:
    """Whom all agents of *hosts* name, and who says itself that it leads; never *but*."""
    found: list[str] = []

    def agreed() -> bool:
        said = [_asked(fleet, host) for host in hosts]
        leading = [str(one["host"]) for one in said if one.get("leading")]
        found[:] = leading
        return len(leading) == 1 and leading[0] != but and all(one.get("leader") == leading[0] for one in said)

    stage.wait(agreed, f"{', '.join(hosts)} agree on who conducts", _WITHIN_S)
    return found[0]


def _asked(fleet: Fleet, host: str) -> Mapping[str, Any]:
    try:
        return fetch(fleet.agent_address(host), "/conductor", 2.0).document
    except (AgentUnreachable, AgentRefused):
        return {}


def _avoid(fleet: Fleet, host: str) -> None:
    now_s = unix_s()
    control = HostControl(host, HostState.AVOID, "bench", since_s=now_s, until_s=now_s + _AVOIDED_S)
    edit = Edit(f"{HOSTS}{host}", None, encode_host_control(control))
    _register(fleet, lambda registry: changes.apply(registry, [edit], _AUTHOR))


def _is_avoided(fleet: Fleet, host: str) -> bool:
    return _register(fleet, lambda registry: registry.get(f"{HOSTS}{host}")) is not None


async def _journal(registry: Registry) -> tuple[int, list[Entry]]:
    decided = await changes.read_decided(registry)
    entries: list[Entry] = []
    try:
        days = await registry.children("audit")
    except NoNode:
        days = []
    for day in days:
        for name in await registry.children(f"audit/{day}"):
            node = await registry.get(f"audit/{day}/{name}")
            assert node is not None
            entries.append(parse_entry(f"audit/{day}/{name}", node.data))
    return decided.epoch, entries


def _register(fleet: Fleet, work: Callable[[Registry], Awaitable[T]]) -> T:
    """What *work* returns, with a session of its own."""

    async def run() -> T:
        registry = Registry(fleet.zookeeper.address, fleet.name, dev=True)
        try:
            await registry.start(_WITHIN_S)
            return await work(registry)
        finally:
            await registry.stop()

    return asyncio.run(run())
