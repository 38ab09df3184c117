"""What the register says of a package: what is decided about it, its versions in their order, who runs them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit, no_match
from h2o_console.cli.register import in_register, read_agents, read_lives
from h2o_console.cli.remarks import tell
from h2o_console.cli.weighing import Known
from h2o_core.control import FleetSettings, parse_settings, parse_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.io.registry import NoNode
from h2o_core.names import InvalidName, from_operator, parse_package
from h2o_core.znodes import parse_package_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.context import Context
    from h2o_core.control import Traffic
    from h2o_core.io.registry import Registry


@dataclass(frozen=True, slots=True)
class Stand:
    """What the register says now. `data` is the traffic node's; `agents`: every live host → its agent, "" without."""

    known: Known
    data: bytes | None
    agents: Mapping[str, str]


def read_stand(context: Context, timeout_s: float, typed: str) -> Stand:
    """Of the package that *typed* means; raises CommandFailed when ZooKeeper is out of reach, or there is none."""
    try:
        package = parse_package(from_operator(typed))
    except InvalidName as error:
        raise CommandFailed(Exit.USAGE, str(error), "h2o weight service/customer 2.1.0=10%") from None
    stand = in_register(context, timeout_s, lambda registry: _read(registry, package))
    if not stand.known.versions and stand.known.traffic is None:
        raise in_register(context, timeout_s, lambda registry: _unknown(registry, typed))
    return stand


async def _read(registry: Registry, package: str) -> Stand:
    paths = registry.paths
    node, settings_node = await registry.get(paths.traffic(package)), await registry.get(paths.settings)
    traffic: Traffic | None = None
    settings = FleetSettings()
    if node is not None:
        try:
            traffic = parse_traffic(paths.traffic(package), node.data)
        except InvalidDocument as error:
            tell(f"what stands there can't be read; what is decided now replaces it: {error}")
    if settings_node is not None:
        with suppress(InvalidDocument):  # /health has an alarm about it
            settings = parse_settings(paths.settings, settings_node.data)
    lives = await read_lives(registry)
    running = [one.version for live in lives for one in live.instances if one.package == package]
    order = await _versions(registry, package)
    versions = {version: running.count(version) for version in [*order, *sorted(set(running) - set(order))]}
    agents = await read_agents(registry)
    known = Known(package, traffic, versions, settings.new_versions)
    return Stand(known, None if node is None else node.data, {live.host: agents.get(live.host, "") for live in lives})


async def _versions(registry: Registry, package: str) -> list[str]:
    """All that were ever registered, the first first."""
    parent = registry.paths.package(package)
    order: dict[str, int] = {}
    try:
        names = await registry.children(parent)
    except NoNode:
        return []
    for name in names:
        node = await registry.get(f"{parent}/{name}")
        if node is not None:
            with suppress(InvalidDocument):
                order[name] = parse_package_version(f"{parent}/{name}", node.data, created=node.czxid).created
    return sorted(order, key=lambda version: (order[version], version))


async def _unknown(registry: Registry, typed: str) -> CommandFailed:
    try:
        names = await registry.children(registry.paths.packages)
    except NoNode:
        names = []
    return no_match(typed, [name.replace(".", "/") for name in names], "list")
