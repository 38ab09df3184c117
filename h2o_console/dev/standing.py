"""A fleet on this machine as it stands: where its files and sockets are, and what its agents say of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.dev.plan import InvalidPlan, layout
from h2o_console.dev.readiness import expected_counts, missing_at
from h2o_core.context import AGENT_SOCKET, Context
from h2o_core.io.zookeeper import ZooKeeperChild
from h2o_core.names import parse_host, shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from h2o_console.dev.children import Child
    from h2o_console.dev.plan import HostPlan

_SHORT_BASE: Final = "/tmp/h2o"  # noqa: S108 - made with mode 0700 and checked to be ours
_ASK_S: Final = 2.0
_FUTILE: Final = 2
"""Restarts after which an instance that is not ready is not waited for any longer."""


class ZooKeeper(Protocol):
    """What a fleet needs of its register's servers: a `ZooKeeperChild`, or several that stand together."""

    @property
    def address(self) -> str:
        """What clients connect to."""
        ...

    @property
    def running(self) -> bool:
        """Its processes are there (not: they serve)."""
        ...

    def start(self) -> None:
        """Start what does not run, and wait until it serves. Raises ZooKeeperMissing, ZooKeeperFailed."""
        ...

    def check(self) -> None:
        """Raise ZooKeeperFailed when it has ended."""
        ...

    def stop(self) -> None:
        """End it in an orderly way."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...

    def log_tail(self) -> str:
        """The end of what it logged, for people."""
        ...


class Standing:
    """All that is known of a fleet without touching it."""

    def __init__(self, directory: Path, hosts: Sequence[HostPlan], name: str, zookeeper: ZooKeeper | int) -> None:
        """*zookeeper*: one that others have made, or the port (0: any) of one of its own.

        Raises InvalidPlan, InvalidName.
        """
        self.directory = directory.resolve()
        self.hosts = {host.name: host for host in hosts}
        self.name = parse_host(name)
        if len(self.hosts) != len(hosts) or not hosts:
            msg = "a fleet has one host or more, each with a name of its own"
            raise InvalidPlan(msg)
        self.layout = layout(str(self.directory), self.hosts, f"{_SHORT_BASE}-{os.getuid()}")
        own = isinstance(zookeeper, int)
        self.zookeeper = ZooKeeperChild(Path(self.layout.zookeeper), zookeeper) if own else zookeeper
        self.agents: dict[str, Child] = {}
        """Of the hosts that are meant to be up."""

    # ---- where things are

    def broker_dir(self, host: str) -> str:
        """The runtime directory of *host*: what H2O_BROKER names."""
        return self.layout.run_dir(host)

    def agent_address(self, host: str) -> str:
        """``unix:<path>`` of the agent of *host*."""
        return f"unix:{self.broker_dir(host)}/{AGENT_SOCKET}"

    def broker_pid(self, host: str) -> int:
        """The broker of *host*, from its lock file."""
        return int(Path(self.broker_dir(host), "broker.lock").read_text(encoding="ascii"))

    def context(self, host: str = "", name: str = "dev") -> Context:
        """How a command line reaches the fleet, by way of *host* (the first one without)."""
        host = host or next(iter(self.hosts))
        zookeeper = self.zookeeper.address
        return Context(name, self.name, zookeeper, self.agent_address(host), self.broker_dir(host), dev=True)

    def environment(self, host: str = "") -> dict[str, str]:
        """The environment of a program on *host* (the first one without): its own fleet and no configuration file."""
        context = self.context(host)
        environ = {key: value for key, value in os.environ.items() if not key.startswith("H2O_")}
        return {
            **environ,
            "H2O_CONFIG": os.devnull,
            "H2O_FLEET": context.fleet,
            "H2O_ZK": context.zookeeper,
            "H2O_AGENT": context.agent,
            "H2O_BROKER": context.run_dir,
        }

    # ---- what it says of itself

    def ask(self, host: str, path: str) -> Mapping[str, Any]:
        """What the agent of *host* answers to *path*; raises AgentUnreachable, AgentRefused."""
        return ask(self.agent_address(host), path, _ASK_S)

    def instances(self, host: str = "") -> list[dict[str, Any]]:
        """The instances that *host* knows of itself; of the whole fleet without *host*. Raises as `ask`."""
        if host:
            return list(self.ask(host, "/instances").get("instances", []))
        return list(self.ask(next(iter(self.hosts)), "/instances?fleet=1").get("instances", []))

    def missing(self, *, instances: bool = True, forgive: Mapping[tuple[str, str], int] | None = None) -> list[str]:
        """What is not yet as planned, one sentence each; empty when all is there, from every host's point of view.

        Without *instances* only the hosts and the links between them count; *forgive* as `hopeless` returns it.
        """
        expected = expected_counts(self.hosts.values()) if instances else {}
        for key, count in (forgive or {}).items():
            expected[key] = expected.get(key, 0) - count
        return [sentence for host in self.agents for sentence in self._missing_at(host, expected)]

    def _missing_at(self, host: str, expected: Mapping[tuple[str, str], int]) -> list[str]:
        try:
            hosts = self.ask(host, "/hosts").get("hosts", [])
            instances = self.ask(host, "/instances?fleet=1").get("instances", [])
        except (AgentUnreachable, AgentRefused) as error:
            return [f"{host}: {error}"]
        return missing_at(host, hosts, instances, self.agents, expected)

    def hopeless(self) -> dict[tuple[str, str], int]:
        """(host, package) → instances that have failed so often that waiting for them is idle."""
        counts: dict[tuple[str, str], int] = {}
        for host in self.agents:
            try:
                rows = self.instances(host)
            except (AgentUnreachable, AgentRefused):
                continue
            for each in rows:
                if each["state"] != "ready" and (each.get("restarts") or 0) >= _FUTILE:
                    key = (host, shown(each["package"]))
                    counts[key] = counts.get(key, 0) + 1
        return counts
