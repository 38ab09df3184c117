"""The fleet in ZooKeeper's register itself: read when no agent answers, and where control is written."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.remarks import tell
from h2o_console.cli.views import HostsView, InstancesView
from h2o_console.feed.answers import Head, Host, Instance
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import rfc3339, unix_s
from h2o_core.io.registry import NoNode, RegisterError, RegisterUnavailable, Registry
from h2o_core.names import InvalidName, shown
from h2o_core.znodes import AgentNode, LiveHost, LiveInstance, parse_agent, parse_live

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from h2o_core.context import Context

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
    agent_of = {each.host: f"{_bracketed(each.address)}:{each.port}" for each in agents}
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


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def read_lives(registry: Registry) -> list[LiveHost]:
    """Every host that has a broker."""
    return await _read_all(registry, registry.paths.lives, parse_live)


async def read_agents(registry: Registry) -> dict[str, str]:
    """Host → its agent's address."""
    agents = await _read_all(registry, registry.paths.agents, parse_agent)
    return {each.host: f"http://{_bracketed(each.address)}:{each.port}" for each in agents}


async def _read_lives_and_agents(registry: Registry) -> tuple[list[LiveHost], list[AgentNode]]:
    return await read_lives(registry), await _read_all(registry, registry.paths.agents, parse_agent)


async def _read_all(registry: Registry, parent: str, parse: Callable[[str, bytes], Parsed]) -> list[Parsed]:
    """Every child of *parent* that can be parsed; the others are named on standard error."""
    try:
        names = await registry.children(parent)
    except NoNode:  # nobody has ever registered there
        return []
    paths = [f"{parent}/{name}" for name in sorted(names)]
    nodes = await asyncio.gather(*map(registry.get, paths))
    found: list[Parsed] = []
    for path, node in zip(paths, nodes, strict=True):
        if node is None:
            continue
        try:
            found.append(parse(path, node.data))
        except InvalidDocument as error:
            tell(f"left out: {error}")
    return found


def in_register(
    context: Context,
    timeout_s: float,
    work: Callable[[Registry], Awaitable[Parsed]],
    *,
    within_s: float | None = None,
) -> Parsed:
    """What *work* returns, with a session of its own; raises CommandFailed when ZooKeeper is out of reach, or refuses.

    *timeout_s* is for connecting and, unless *within_s* says otherwise, for the work.
    """
    try:
        if why := _why_refused(context.zookeeper, timeout_s):
            raise RegisterUnavailable(why)
        return asyncio.run(_session(context, timeout_s, work, within_s or timeout_s))
    except (RegisterUnavailable, TimeoutError) as error:
        msg = f"ZooKeeper {context.zookeeper} is out of reach: {error or f'no answer within {timeout_s:g} s'}"
        hint = (
            "start it: h2o dev"
            if context.dev
            else "name another: --zk HOST:PORT, or an agent: --agent http://HOST:PORT"
        )
        raise CommandFailed(Exit.UNREACHABLE, msg, hint) from None
    except RegisterError as error:
        msg = f"ZooKeeper {context.zookeeper} does not let us into fleet {context.fleet}: {error}"
        hint = f'put secret_file = "…" into [contexts.{context.name or "NAME"}] of the configuration file'
        raise CommandFailed(Exit.UNREACHABLE, msg, hint) from None
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), "name the fleet: --fleet NAME") from None


def _why_refused(zookeeper: str, timeout_s: float) -> str:
    """Why not one of the servers takes a connection, "" when one does: a session would be tried for all its time."""
    why = ""
    for address in zookeeper.partition("/")[0].split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout_s).close()
        except OSError as error:
            why = error.strerror or str(error)
        except (ValueError, OverflowError):
            msg = f"{address!r} is not a ZooKeeper's address"
            raise CommandFailed(Exit.USAGE, msg, "write HOST:PORT: --zk 127.0.0.1:2181") from None
        else:
            return ""
    return why


async def _session(
    context: Context, timeout_s: float, work: Callable[[Registry], Awaitable[Parsed]], within_s: float
) -> Parsed:
    registry = Registry(context.zookeeper, context.fleet, **_credentials(context))
    try:
        await registry.start(timeout_s)
        async with asyncio.timeout(within_s):
            return await work(registry)
    finally:
        await registry.stop()


def _credentials(context: Context) -> dict[str, Any]:
    """A reader without the secret tries all the same: what everybody may read is enough."""
    if context.dev or not context.secret_file:
        return {"dev": True}
    try:
        text = Path(context.secret_file).expanduser().read_text(encoding="ascii")
        return {"dev": False, "secret": bytes.fromhex(text.strip())}
    except (OSError, ValueError) as error:
        msg = f"the fleet's secret {context.secret_file} can't be read: {error}"
        raise CommandFailed(Exit.USAGE, msg, "correct secret_file in the configuration file") from None
