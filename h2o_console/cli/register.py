"""The fleet as its register in ZooKeeper tells it, for commands: views of it, and failures that end a command."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_console.asking import register
from h2o_console.asking.register import NoRegister, agent_address
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.remarks import tell
from h2o_console.cli.views import HostsView, InstancesView
from h2o_console.feed.answers import Head, Host, Instance
from h2o_core.io.clock import rfc3339, unix_s
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from h2o_core.context import Context
    from h2o_core.io.registry import Registry
    from h2o_core.znodes.agents import AgentNode
    from h2o_core.znodes.live import LiveHost, LiveInstance

REGISTERED: Final = "registered"
"""The state of what stands in the register: whether it is ready is known to brokers alone."""

Parsed = TypeVar("Parsed")


def read_instances(context: Context, timeout_s: float) -> InstancesView:
    """All registered instances; raises CommandFailed when ZooKeeper is out of reach."""
    lives = in_register(context, timeout_s, read_lives)
    instances = tuple(_instance(live, one) for live in lives for one in live.instances)
    return InstancesView(_head(context), instances, tuple(asdict(each) for each in instances))


def read_hosts(context: Context, timeout_s: float) -> HostsView:
    """All registered hosts with their agents; raises CommandFailed when ZooKeeper is out of reach."""
    lives, agents = in_register(context, timeout_s, _read_lives_and_agents)
    hosts = hosts_of(lives, agents)
    return HostsView(_head(context), hosts, tuple(asdict(each) for each in hosts))


def _head(context: Context) -> Head:
    return Head(context.fleet, "", "zookeeper", rfc3339(unix_s()), 0.0, "connected", 0.0)


def _instance(live: LiveHost, one: LiveInstance) -> Instance:
    return Instance(
        id=one.id,
        package=shown(one.package),
        version=one.version,
        host=live.host,
        zone=live.zone,
        state=REGISTERED,
        slots=one.slots,
        started=rfc3339(one.started_s),
        pid=one.pid,
    )


def hosts_of(lives: list[LiveHost], agents: list[AgentNode]) -> tuple[Host, ...]:
    """Hosts that have a broker, an agent, or both in the register."""
    agent_of = {each.host: agent_address(each).removeprefix("http://") for each in agents}
    found = [
        Host(
            host=live.host,
            zone=live.zone,
            address=live.address,
            incarnation=f"{live.incarnation:016x}",
            link=REGISTERED,
            agent=agent_of.get(live.host, ""),
            instances=len(live.instances),
            labels=dict(live.labels),
        )
        for live in lives
    ]
    alive = {live.host for live in lives}
    found += [
        Host(host=each.host, zone=each.zone, link="no broker", agent=agent_of[each.host], instances=0)
        for each in agents
        if each.host not in alive
    ]
    return tuple(sorted(found, key=lambda each: each.host))


async def read_lives(registry: Registry) -> list[LiveHost]:
    """Every host that has a broker; what can't be read is named on standard error."""
    return await register.read_lives(registry, tell)


async def read_agents(registry: Registry) -> dict[str, str]:
    """Host → its agent's address."""
    return {each.host: agent_address(each) for each in await register.read_agents(registry, tell)}


async def _read_lives_and_agents(registry: Registry) -> tuple[list[LiveHost], list[AgentNode]]:
    return await read_lives(registry), await register.read_agents(registry, tell)


def in_register(
    context: Context,
    timeout_s: float,
    work: Callable[[Registry], Awaitable[Parsed]],
    *,
    within_s: float | None = None,
) -> Parsed:
    """As `h2o_console.asking.register.in_register`; raises CommandFailed."""
    try:
        return register.in_register(context, timeout_s, work, within_s=within_s)
    except NoRegister as error:
        code = Exit.USAGE if error.misnamed else Exit.UNREACHABLE
        raise CommandFailed(code, error.sentence, error.hint) from None


def check_register(context: Context) -> None:
    """Control is written to ZooKeeper alone, or by an agent; raises CommandFailed when neither is meant."""
    if not context.agent and not (context.zookeeper and context.fleet):
        msg = "what is decided stands in ZooKeeper, and no context or flag names one, nor an agent"
        hint = "name it: --zk HOST:PORT --fleet NAME, or --agent http://HOST:PORT; or start a fleet: h2o dev"
        raise CommandFailed(Exit.UNREACHABLE, msg, hint)
