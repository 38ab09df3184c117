"""What the fleet is and does when a plan is made: from the register, and from all agents at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, exchange
from h2o_console.asking.hoststats import PROTOBUF, ask_host
from h2o_console.asking.register import agent_address, read_agents, read_lives
from h2o_console.asking.together import answers
from h2o_console.commands.demand import demand_of
from h2o_core.documents import InvalidDocument
from h2o_core.io.clock import unix_s
from h2o_core.io.registry import NoNode
from h2o_core.names import from_dotted, shown
from h2o_core.pb.host_pb2 import History, HostStats
from h2o_core.plan.situation import Fleet, Host, Instance
from h2o_core.znodes.packages import parse_package_version

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from h2o_core.io.registry import Registry
    from h2o_core.pb.stats_pb2 import InstanceReport
    from h2o_core.znodes.live import LiveHost
    from h2o_core.znodes.packages import PackageVersion

WINDOW_S: Final = 600.0
"""So far back it is looked for how busy a version was while it was healthy."""
PATIENCE_S: Final = 2.0
"""Agents answer in milliseconds; whoever takes longer is silent, and a plan must not wait for the sick."""
_MANY_HOSTS: Final = 100
"""Of more the tens of seconds of all packages would be hundreds of megabytes; minutes are enough to plan by."""
_TAKES_REQUESTS: Final = frozenset({"ready", "suspect"})
_WELL: Final = frozenset({"", "ok"})


@dataclass(frozen=True, slots=True)
class Concern:
    """What a change is about, so that no more is read than it needs: packages by full name, and whatever runs on hosts.

    `everything`: the whole fleet.
    """

    packages: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """`agents`: every host → its agent's address, "" without one. `silent`: hosts that say nothing of themselves → why.

    `at_s`: Unix time at which it was read. `remarks`: what could not be read.
    """

    fleet: Fleet
    agents: Mapping[str, str]
    silent: Mapping[str, str]
    at_s: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Registered:
    """What the register says, beside control. `least`: package → the most that one of its running versions wants."""

    lives: Sequence[LiveHost]
    agents: Mapping[str, str]
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    least: Mapping[str, int] = field(default_factory=dict[str, int])


async def read_registered(registry: Registry, concern: Concern, say: Callable[[str], None]) -> Registered:
    """Brokers, agents, and the *concern*'s packages' versions in the order of registration."""
    lives, agents = await asyncio.gather(read_lives(registry, say), read_agents(registry, say))
    wanted = set(concern.packages)
    wanted |= {
        one.package for live in lives if concern.everything or live.host in concern.hosts for one in live.instances
    }
    found = await asyncio.gather(*(_versions(registry, package) for package in sorted(wanted)))
    manifests = {package: order for package, order in zip(sorted(wanted), found, strict=True) if order}
    versions = {package: tuple(one.version for one in order) for package, order in manifests.items()}
    running = {(one.package, one.version) for live in lives for one in live.instances}
    least = {
        package: max((one.min_available for one in order if (package, one.version) in running), default=0)
        for package, order in manifests.items()
    }
    if wanted - versions.keys():  # a mistyped one: what there is, is said then
        versions |= {from_dotted(name): () for name in await _packages(registry) if from_dotted(name) not in versions}
    declared = {package: count for package, count in least.items() if count}
    return Registered(lives, {each.host: agent_address(each) for each in agents}, versions, declared)


async def _packages(registry: Registry) -> list[str]:
    try:
        return await registry.children(registry.paths.packages)
    except NoNode:
        return []


async def _versions(registry: Registry, package: str) -> tuple[PackageVersion, ...]:
    """All that were ever registered, the first first."""
    parent = registry.paths.package(package)
    manifests: list[PackageVersion] = []
    try:
        names = await registry.children(parent)
    except NoNode:
        return ()
    nodes = await asyncio.gather(*(registry.get(f"{parent}/{name}") for name in names))
    for name, node in zip(names, nodes, strict=True):
        if node is not None:
            with suppress(InvalidDocument):  # /health has an alarm about it
                manifests.append(parse_package_version(f"{parent}/{name}", node.data, created=node.czxid))
    return tuple(sorted(manifests, key=lambda one: (one.created, one.version)))


async def observed(
    registered: Registered, timeout_s: float, token_of: Callable[[str], str], remarks: Iterable[str] = ()
) -> Observed:
    """Ask all agents of the *registered* hosts, none longer than *timeout_s*; raises what *token_of* does."""
    now_s = unix_s()
    names = sorted({live.host for live in registered.lives} | registered.agents.keys())
    agents = {name: registered.agents.get(name, "") for name in names}
    tokens = {address: token_of(address) for address in set(agents.values()) if address}
    history = _history_path(registered.versions, len(agents), now_s)
    asked = await asyncio.to_thread(_ask_all, agents, min(timeout_s, PATIENCE_S), tokens, history)
    told = {name: said for name, said in asked.items() if not isinstance(said, str)}
    lives = {live.host: live for live in registered.lives}
    hosts = {name: _host(name, lives.get(name), told.get(name)) for name in names}
    instances = [
        one
        for name in names
        for one in (
            [_reported(each, name) for each in told[name].stats.report.instances]
            if hosts[name].fresh
            else _as_registered(lives.get(name))
        )
    ]
    fresh = {name for name, host in hosts.items() if host.fresh}
    demand = demand_of([said.history for name, said in told.items() if name in fresh], instances, fresh)
    silent = {name: said for name, said in asked.items() if isinstance(said, str)}
    silent |= {name: "its broker does not answer its agent" for name in told if name not in fresh}
    fleet = Fleet(hosts, tuple(instances), registered.versions, demand, registered.least)
    return Observed(fleet, agents, silent, now_s, tuple(remarks))


@dataclass(frozen=True, slots=True)
class _Said:
    stats: HostStats
    history: History


def _ask_all(
    agents: Mapping[str, str], timeout_s: float, tokens: Mapping[str, str], history: str
) -> dict[str, _Said | str]:
    """Host → what its agent says, or why it says nothing."""

    def ask(host: str) -> _Said | str:
        address = agents[host]
        if not address:
            return "no agent of that host is in the register"
        try:
            stats = ask_host(address, timeout_s, tokens[address])
            if stats.host != host:
                return f"the agent at {address} is that of host {stats.host}"
            if not stats.HasField("report"):
                return stats.broker_problem or "its broker does not answer"
            return _Said(stats, _history(address, timeout_s, tokens[address], history))
        except AgentUnreachable as error:
            return str(error)
        except AgentRefused as error:
            return f"its agent says: {error.error}"

    return dict(said for said in answers(agents, ask) if said is not None)


def _history_path(concerned: Collection[str], hosts: int, now_s: float) -> str:
    """What agents are asked to remember; of many hosts only of the one package that is *concerned*, or by minutes."""
    since = f"kind=package&since={now_s - WINDOW_S:.0f}"
    if hosts <= _MANY_HOSTS:
        return f"/history?resolution=10s&{since}"
    if len(concerned) == 1:
        return f"/history?resolution=10s&{since}&package={shown(next(iter(concerned)))}"
    return f"/history?resolution=60s&{since}"


def _history(address: str, timeout_s: float, token: str, path: str) -> History:
    """Empty when it can't be read: then the demand is not known, and nothing else."""
    try:
        raw = exchange(address, path, timeout_s, accept=PROTOBUF, token=token)
        return History.FromString(raw.body if raw.status == 200 else b"")
    except (AgentUnreachable, DecodeError):
        return History()


def _host(name: str, live: LiveHost | None, said: _Said | None) -> Host:
    zone = live.zone if live is not None else said.stats.zone if said is not None else ""
    age_s = None if said is None else said.stats.report_age_s
    return Host(name, zone, alive=live is not None, age_s=age_s)


def _reported(one: InstanceReport, host: str) -> Instance:
    return Instance(
        id=one.instance,
        package=one.package,
        version=one.version,
        host=host,
        slots=one.slots,
        ready=one.state in _TAKES_REQUESTS,
        failing=one.state == "suspect" or one.verdict not in _WELL,
    )


def _as_registered(live: LiveHost | None) -> Collection[Instance]:
    """Of a host that says nothing: it may well serve, nobody knows how it does."""
    instances = () if live is None else live.instances
    return [Instance(one.id, one.package, one.version, live.host, one.slots) for one in instances if live is not None]
