"""A whole fleet on this machine: a real ZooKeeper, and an agent with its broker and instances for each host.

Used by `h2o dev`, by the demo and by the tests::

    customer = InstanceSpec("/service/customer", ("python", "-m", "customer"))
    with Fleet(directory, [HostPlan("host-1", "a", (customer,)), HostPlan("host-2", "b")]) as fleet:
        fleet.wait_ready()
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
import stat
import sys
import time
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, Self

from h2o_console.cli.agent import AgentRefused, AgentUnreachable, ask
from h2o_console.dev.children import MARK, Child, end_all, marked, reap, wait_until_gone
from h2o_console.dev.plan import InvalidPlan, host_file, layout
from h2o_console.dev.readiness import expected_counts, missing_at
from h2o_console.dev.settings import write_settings
from h2o_core.context import AGENT_SOCKET, Context
from h2o_core.io.zookeeper import ZooKeeperChild
from h2o_core.names import parse_host
from h2o_core.znodes import FleetSettings, NewVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from h2o_console.dev.plan import HostPlan

_SHORT_BASE: Final = "/tmp/h2o"  # noqa: S108 - made with mode 0700 and checked to be ours
_REAP_S: Final = 5.0
_STOP_S: Final = 10.0
_ASK_S: Final = 2.0
_POLL_S: Final = 0.05
_SECRET_BYTES: Final = 32


class DirectoryTaken(RuntimeError):
    """A fleet runs in this directory already; the sentence says what to do."""


class FleetFailed(RuntimeError):
    """The fleet is not as it was planned; the sentence says what is missing and shows the log."""


class Fleet:
    """One fleet, its files all below *directory*. Sockets are elsewhere when their paths would be too long."""

    def __init__(
        self,
        directory: Path,
        hosts: Sequence[HostPlan],
        *,
        name: str = "dev",
        new_versions: NewVersions = NewVersions.SHARE,
        zookeeper_port: int = 0,
        host_file_extra: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """*host_file_extra*: TOML lines for every host file. *environ*: more for every process.

        Raises InvalidPlan, InvalidName.
        """
        self.directory = directory.resolve()
        self.hosts = {host.name: host for host in hosts}
        self.name = parse_host(name)
        if len(self.hosts) != len(hosts) or not hosts:
            msg = "a fleet has one host or more, each with a name of its own"
            raise InvalidPlan(msg)
        self.layout = layout(str(self.directory), self.hosts, f"{_SHORT_BASE}-{os.getuid()}")
        self.zookeeper = ZooKeeperChild(Path(self.layout.zookeeper), zookeeper_port)
        self.agents: dict[str, Child] = {}
        self.reaped = 0
        """Processes that an earlier fleet had left in this directory."""
        self._new_versions = new_versions
        self._extra = tuple(host_file_extra)
        self._environ = dict(environ or {})
        self._lock: IO[bytes] | None = None

    # ---- life

    def start(self) -> None:
        """Start ZooKeeper and all agents, without waiting for hosts and instances (`wait_ready`).

        Raises DirectoryTaken, InvalidPlan, ZooKeeperMissing, ZooKeeperFailed.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        try:
            self.reaped = reap(str(self.directory), _REAP_S)
            self._make_directories()
            self._write_secret()
            self.zookeeper.start()
            asyncio.run(write_settings(self.zookeeper.address, self.name, FleetSettings(self._new_versions)))
            for host in self.hosts:
                self.start_host(host)
        except BaseException:
            self.kill()
            raise

    def start_host(self, host: str) -> None:
        """Write the host's file and start its agent, which starts the rest."""
        text = host_file(self.hosts[host], self.layout, self.name, self.zookeeper.address, self._extra)
        path = Path(self.layout.host_file(host))
        path.write_text(text, encoding="utf-8")
        argv = [sys.executable, "-m", "h2o_agent", "--host-file", str(path)]
        log = Path(self.layout.agent_log(host))
        self.agents[host] = Child(f"h2o-agent {host}", argv, log, self._process_environ(), self.directory)

    def stop(self, grace_s: float = _STOP_S) -> None:
        """Everything leaves in order: agents with brokers and instances, then ZooKeeper. SIGKILL after *grace_s*."""
        for agent in self.agents.values():
            agent.signal(signal.SIGTERM)
        deadline_s = time.monotonic() + grace_s
        for agent in self.agents.values():
            if not agent.wait(max(0.0, deadline_s - time.monotonic())):
                agent.signal(signal.SIGKILL)
                agent.wait(grace_s)
        self.agents.clear()
        if self._lock is not None:
            end_all(marked(str(self.directory)), signal.SIGTERM, 2.0)
        self.zookeeper.stop()
        self._leave()

    def kill(self) -> None:
        """SIGKILL for everything, at once."""
        for agent in self.agents.values():
            agent.signal(signal.SIGKILL)
        if self._lock is not None:
            end_all(marked(str(self.directory)), signal.SIGKILL, 2.0)
        for agent in self.agents.values():
            agent.wait(2.0)
        self.agents.clear()
        self.zookeeper.kill()
        self._leave()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _take_lock(self) -> None:
        lock = Path(self.layout.lock).open("a+b")  # noqa: SIM115 - held until the fleet has stopped
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            holder = lock.read(32).decode(errors="replace").strip() or "unknown"
            lock.close()
            msg = f"a fleet runs in {self.directory} already (pid {holder}); stop it, or use another: --dir DIRECTORY"
            raise DirectoryTaken(msg) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n".encode())
        lock.flush()
        self._lock = lock

    def _leave(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _make_directories(self) -> None:
        for path in (self.layout.directory, self.layout.run):
            _own_directory(Path(path))
        Path(self.layout.directory, ".gitignore").write_text("*\n", encoding="ascii")
        for host in self.hosts:
            for path in (self.layout.state(host), self.layout.run_dir(host)):
                Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write_secret(self) -> None:
        path = Path(self.layout.secret)
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(_SECRET_BYTES) + "\n")

    def _process_environ(self) -> dict[str, str]:
        """This process's, without what points at another fleet; `python` is the interpreter that runs us."""
        environ = {key: value for key, value in os.environ.items() if not key.startswith("H2O_")}
        environ["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environ.get("PATH", os.defpath)))
        return {**environ, MARK: str(self.directory), **self._environ}

    # ---- where things are

    def broker_dir(self, host: str) -> str:
        """The runtime directory of *host*: what H2O_BROKER names."""
        return self.layout.run_dir(host)

    def agent_address(self, host: str) -> str:
        """``unix:<path>`` of the agent of *host*."""
        return f"unix:{self.broker_dir(host)}/{AGENT_SOCKET}"

    def context(self, host: str = "", name: str = "dev") -> Context:
        """How a command line reaches the fleet, by way of *host* (the first one without)."""
        host = host or next(iter(self.hosts))
        return Context(
            name, self.name, self.zookeeper.address, self.agent_address(host), self.broker_dir(host), dev=True
        )

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

    # ---- looking at it

    def ask(self, host: str, path: str) -> Mapping[str, Any]:
        """What the agent of *host* answers to *path*; raises AgentUnreachable, AgentRefused."""
        return ask(self.agent_address(host), path, _ASK_S)

    def instances(self, host: str = "") -> list[dict[str, Any]]:
        """The instances that *host* knows of itself; of the whole fleet without *host*. Raises as `ask`."""
        if host:
            return list(self.ask(host, "/instances").get("instances", []))
        return list(self.ask(next(iter(self.hosts)), "/instances?fleet=1").get("instances", []))

    def wait_ready(self, timeout_s: float = 30.0, *, instances: bool = True) -> None:
        """Until nothing is `missing`; raises FleetFailed with what is, ZooKeeperFailed."""
        look = partial(self.missing, instances=instances)
        self.wait_until(lambda: not look(), timeout_s, lambda: "; ".join(look()))

    def wait_until(self, true: Callable[[], bool], timeout_s: float, otherwise: Callable[[], str]) -> None:
        """Ask again and again; raises FleetFailed with *otherwise* after *timeout_s*, or when an agent has ended."""
        deadline_s = time.monotonic() + timeout_s
        while not true():
            self.check()
            if time.monotonic() > deadline_s:
                msg = f"not within {timeout_s:g} s: {otherwise()}"
                raise FleetFailed(msg)
            time.sleep(_POLL_S)

    def check(self) -> None:
        """Raise when ZooKeeper (ZooKeeperFailed) or an agent (FleetFailed) has ended by itself."""
        self.zookeeper.check()
        for host, agent in self.agents.items():
            if (status := agent.ended()) is not None:
                msg = f"the agent of {host} ended with status {status}; the end of {agent.log}:\n{agent.tail()}"
                raise FleetFailed(msg)

    def missing(self, *, instances: bool = True) -> list[str]:
        """What is not yet as planned, one sentence each; empty when all is there, from every host's point of view.

        Without *instances* only the hosts and the links between them count.
        """
        expected = expected_counts(self.hosts.values()) if instances else {}
        return [sentence for host in self.agents for sentence in self._missing_at(host, expected)]

    def _missing_at(self, host: str, expected: Mapping[tuple[str, str], int]) -> list[str]:
        try:
            hosts = self.ask(host, "/hosts").get("hosts", [])
            instances = self.ask(host, "/instances?fleet=1").get("instances", [])
        except (AgentUnreachable, AgentRefused) as error:
            return [f"{host}: {error}"]
        return missing_at(host, hosts, instances, self.agents, expected)

    # ---- breaking it

    def kill_instance(self, instance_id: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the process of an instance (by its whole id); returns its pid. Raises KeyError."""
        for host in self.agents:
            for each in self.instances(host):
                if each["id"] == instance_id and each["pid"]:
                    os.kill(each["pid"], number)
                    return int(each["pid"])
        raise KeyError(instance_id)

    def kill_broker(self, host: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the broker of *host*; returns its pid."""
        pid = self.broker_pid(host)
        os.kill(pid, number)
        return pid

    def broker_pid(self, host: str) -> int:
        """The broker of *host*, from its lock file."""
        return int(Path(self.broker_dir(host), "broker.lock").read_text(encoding="ascii"))

    def kill_agent(self, host: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the agent of *host*; returns its pid. `start_host` starts the next one."""
        agent = self.agents[host]
        agent.signal(number)
        return agent.pid

    def stop_host(self, host: str, grace_s: float = _STOP_S) -> None:
        """The host leaves in order; the others stay."""
        agent = self.agents.pop(host)
        agent.signal(signal.SIGTERM)
        if not agent.wait(grace_s):
            agent.signal(signal.SIGKILL)
            agent.wait(grace_s)

    def left_behind(self, timeout_s: float = 5.0) -> list[int]:
        """Processes of this fleet that still run *timeout_s* after they were told to end."""
        return [process.pid for process in wait_until_gone(str(self.directory), timeout_s)]


def _own_directory(path: Path) -> None:
    """Make *path*, or check that it is ours alone; in /tmp anybody could have made it first. Raises DirectoryTaken."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        msg = f"{path} is not a directory of this user; remove it, or use another: --dir DIRECTORY"
        raise DirectoryTaken(msg)
    path.chmod(0o700)
