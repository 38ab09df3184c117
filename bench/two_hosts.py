"""The lane over two hosts: client, its broker, CURVE over loopback tcp, the other broker, worker.

Brokers learn of each other from a real ZooKeeper; a request costs none of it.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Final

from bench.children import Child, Children, wait_until
from bench.lanes import READY_S, REGISTERED, TWO_HOSTS, Lane, python, start_workers, write_host_file

_SECRET_BYTES: Final = 32


def start_two_hosts(children: Children, directory: Path, zookeeper: str) -> Lane:
    """The client's host has no worker, so that every request crosses. Raises BenchError."""
    directory.mkdir(mode=0o700)
    secret = directory / "secret"
    secret.touch(mode=0o600)
    secret.write_text(secrets.token_hex(_SECRET_BYTES))
    origin, destination = directory / "a", directory / "b"
    brokers = [_broker(children, run_dir, zookeeper, secret) for run_dir in (origin, destination)]
    env = {"H2O_BROKER": str(destination)}
    workers = start_workers(children, TWO_HOSTS, python("bench.worker_sdk"), env, ready=REGISTERED)
    env = {"H2O_BROKER": str(origin)}
    client = children.start(f"{TWO_HOSTS} client", python("bench.client_sdk"), env, pipes=True)
    parts = {"origin_broker": brokers[:1], "destination_broker": brokers[1:], "worker": workers}
    return Lane(TWO_HOSTS, client, parts)


def _broker(children: Children, run_dir: Path, zookeeper: str, secret: Path) -> Child:
    host = f"bench-{run_dir.name}"
    host_file = write_host_file(run_dir, zookeeper=zookeeper, host=host, secret=str(secret))
    broker = children.start(f"{TWO_HOSTS} broker {host}", python("h2o_broker", "--host-file", str(host_file)))
    wait_until((run_dir / "broker.sock").exists, f"the socket of {host}'s broker", children, READY_S)
    return broker
