"""A fleet that is not for development: hosts that share a secret, on a ZooKeeper with access lists."""

from __future__ import annotations

import json
import secrets
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TypeVar

from h2o_core.access import Role, write_token
from h2o_core.io.registry import Registry
from tests.support.agent_process import ROOT, AgentProcess
from tests.support.session import in_session

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from pathlib import Path

    from h2o_core.io.changes import Applied

T = TypeVar("T")
COMMAND = [sys.executable, "-m", "tests.support.echo_package"]
ECHO = f'[[instance]]\npackage = "/service/echo"\ncommand = {json.dumps(COMMAND)}\ncwd = "{ROOT}"\n'


class Guarded:
    """The hosts by name, and the secret that they share."""

    def __init__(self, directory: Path, zookeeper: str, fleet: str) -> None:
        self.directory = directory
        self.zookeeper = zookeeper
        self.fleet = fleet
        self.hosts: dict[str, AgentProcess] = {}
        self.applied: Applied | None = None
        """What was decided in it."""
        self.secret = secrets.token_bytes(32)
        self.secret_file = private(directory / "secret", self.secret.hex())

    def host(self, name: str, extra: str = "", zookeeper: str = "") -> AgentProcess:
        """One that is yet to be started."""
        directory = self.directory / name
        directory.mkdir()
        named = "" if "secret_file" in extra else f'secret_file = "{self.secret_file}"\n'
        return AgentProcess(
            directory,
            zookeeper or self.zookeeper,
            host=name,
            fleet=self.fleet,
            instances=ECHO,
            extra=named + extra,
            dev=False,
        )

    def in_register(self, role: Role, work: Callable[[Registry], Awaitable[T]], secret: bytes | None = None) -> T:
        """What *work* returns, with a session of its own."""
        secret_bytes = self.secret if secret is None else secret
        return in_session(lambda: Registry(self.zookeeper, self.fleet, dev=False, role=role, secret=secret_bytes), work)

    @property
    def write_token(self) -> str:
        """What follows from the secret."""
        return write_token(self.secret, self.fleet)

    def url(self, host: str) -> str:
        """Where that host's agent listens on TCP."""
        process = self.hosts[host]
        process.until(lambda: json.loads(process.get("/sd/prometheus").content), "the agent is in the register")
        found = {one["labels"]["host"]: one["targets"][0] for one in json.loads(process.get("/sd/prometheus").content)}
        return f"http://{found[host]}"

    def configuration(self, host: str, **more: str) -> str:
        """What an operator on *host* has in the configuration file."""
        process = self.hosts[host]
        lines = {"fleet": self.fleet, "zookeeper": self.zookeeper, "run_dir": str(process.run_dir), **more}
        return 'current = "x"\n[contexts.x]\n' + "".join(
            f'{key} = "{value}"\n' for key, value in lines.items() if value
        )


def private(path: Path, text: str) -> Path:
    """A file that nobody else reads."""
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def guarded(
    directory: Path, zookeeper: str, fleet: str, hosts: int = 2, extra: str = "", proxy: str = ""
) -> Generator[Guarded]:
    """*hosts* hosts with service/echo while the block lasts; *proxy*: another way to ZooKeeper, for the hosts alone."""
    made = Guarded(directory, zookeeper, fleet)
    with ExitStack() as stack:
        for at in range(1, hosts + 1):
            made.hosts[f"host-{at}"] = stack.enter_context(made.host(f"host-{at}", extra, proxy))
        for process in made.hosts.values():
            process.until(lambda process=process: len(process.rows("/instances?fleet=1")) == hosts, "all are known")
            process.until_ready(1)
        yield made
