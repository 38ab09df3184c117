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
import shutil
import signal
import stat
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Self

from h2o_console.dev.children import MARK, Child, end_all, marked, reap, wait_until_gone
from h2o_console.dev.plan import host_file
from h2o_console.dev.settings import write_settings
from h2o_console.dev.standing import Standing
from h2o_core.control.settings import FleetSettings, NewVersions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from h2o_console.dev.plan import HostPlan
    from h2o_console.dev.standing import ZooKeeper
    from h2o_core.hostfile import InstanceSpec

_REAP_S: Final = 5.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.05
_SECRET_BYTES: Final = 32


class DirectoryTaken(RuntimeError):
    """A fleet runs in this directory already; the sentence says what to do."""


class FleetFailed(RuntimeError):
    """The fleet is not as it was planned; the sentence says what is missing and shows the log."""


class Fleet(Standing):
    """One fleet, its files all below *directory*. Sockets are elsewhere when their paths would be too long."""

    def __init__(
        self,
        directory: Path,
        hosts: Sequence[HostPlan],
        *,
        name: str = "dev",
        new_versions: NewVersions = NewVersions.SHARE,
        zookeeper: ZooKeeper | int = 0,
        host_file_extra: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """*zookeeper*: the register's servers, or the port of one of its own.

        *host_file_extra*: TOML lines for every host file. *environ*: more for every process.
        Raises InvalidPlan, InvalidName.
        """
        super().__init__(directory, hosts, name, zookeeper)
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
        if not self.directory.exists():
            self.directory.mkdir(parents=True, mode=0o700)
            (self.directory / ".gitignore").write_text("*\n", encoding="ascii")
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
        """Write the host's file and start its agent, which starts the rest. One that still runs leaves first."""
        if host in self.agents:
            self.stop_host(host)
        path = self._write_host_file(host)
        argv = [*self._prefix(host), sys.executable, "-m", "h2o_agent", "--host-file", str(path)]
        log = Path(self.layout.agent_log(host))
        self.agents[host] = Child(f"h2o-agent {host}", argv, log, self._process_environ(), self.directory)

    def place(self, host: str, *more: InstanceSpec) -> None:
        """Let *host* run *more*, beside what it runs: its file is written anew, and its agent told to read it."""
        self.hosts[host] = replace(self.hosts[host], instances=(*self.hosts[host].instances, *more))
        self._write_host_file(host)
        self.agents[host].signal(signal.SIGHUP)

    def _lines(self, host: str) -> Sequence[str]:
        """TOML lines for the file of *host*."""
        del host
        return self._extra

    def _prefix(self, host: str) -> Sequence[str]:
        """What runs the agent of *host*; nothing does. A fleet whose hosts are further apart says something else."""
        del host
        return ()

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
            if not self.layout.run.startswith(self.layout.directory):
                shutil.rmtree(self.layout.run, ignore_errors=True)  # sockets and locks of nobody, away from the rest
            self._lock.close()
            self._lock = None

    def _make_directories(self) -> None:
        _own_directory(Path(self.layout.run))
        for host in self.hosts:
            for path in (self.layout.state(host), self.layout.run_dir(host)):
                Path(path).mkdir(mode=0o700, parents=True, exist_ok=True)

    def _write_host_file(self, host: str) -> Path:
        text = host_file(self.hosts[host], self.layout, self.name, self.zookeeper.address, self._lines(host))
        path = Path(self.layout.host_file(host))
        path.write_text(text, encoding="utf-8")
        return path

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

    # ---- waiting for it

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

    def kill_agent(self, host: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the agent of *host*; returns its pid. `start_host` starts the next one."""
        agent = self.agents[host]
        agent.signal(number)
        if number is signal.SIGKILL:
            agent.wait(_STOP_S)
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
