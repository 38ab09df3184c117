"""A real host for the bench: ZooKeeper, an agent with its broker, and many registered instances."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.children import BenchError, Children, wait_until
from bench.lanes import MissingPeer, python, write_host_file
from h2o_core.io.context import Context, write_context
from h2o_core.io.zookeeper import ZooKeeperChild, ZooKeeperFailed, ZooKeeperMissing

FLEET: Final = "bench"
NEIGHBOURS_EACH: Final = 20
_START_S: Final = 30.0


@contextmanager
def real_host(directory: Path, instances: int, neighbours: int = 0) -> Generator[dict[str, str]]:
    """Run all of it while the block lasts; gives the environment in which `h2o` finds it. Raises BenchError.

    *neighbours* more hosts, of `NEIGHBOURS_EACH` instances, stand in the register alone.
    """
    directory.mkdir(exist_ok=True)
    secret = directory / "secret"
    secret.write_text(secrets.token_hex(32))
    secret.chmod(0o600)
    with running_zookeeper(directory / "zookeeper") as address, Children(directory) as children:
        if neighbours:
            argv = python("bench.neighbours", address, FLEET, str(secret), str(neighbours), str(NEIGHBOURS_EACH))
            children.start("neighbours", argv, pipes=True).ask({}, _START_S)
        yield _start(children, directory, address, instances)


@contextmanager
def running_zookeeper(directory: Path) -> Generator[str]:
    """A real server while the block lasts; gives its address. Raises MissingPeer (not installed) or BenchError."""
    zookeeper = ZooKeeperChild(directory)
    try:
        zookeeper.start()
        yield zookeeper.address
    except ZooKeeperMissing as error:
        raise MissingPeer(str(error)) from None
    except ZooKeeperFailed as error:
        raise BenchError(str(error)) from None
    finally:
        zookeeper.stop()


def _start(children: Children, directory: Path, zookeeper: str, instances: int) -> dict[str, str]:
    run_dir = directory / "host"
    host_file = write_host_file(run_dir, zookeeper=zookeeper, fleet=FLEET, secret=str(directory / "secret"))
    children.start("agent", python("h2o_agent", "--host-file", str(host_file)))
    sockets = run_dir / "agent.sock", run_dir / "broker.sock"
    wait_until(lambda: all(path.exists() for path in sockets), "the sockets of agent and broker", children, _START_S)
    registrants = children.start(
        "registrants", python("bench.registrants", str(instances)), {"H2O_BROKER": str(run_dir)}, pipes=True
    )
    registrants.ask({}, _START_S + 10)
    return _context(directory, run_dir, zookeeper)


def _context(directory: Path, run_dir: Path, zookeeper: str) -> dict[str, str]:
    """An environment of its own: neither this user's configuration nor an H2O variable of this shell counts."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("H2O_")}
    env["H2O_CONFIG"] = str(directory / "config.toml")
    agent = f"unix:{run_dir / 'agent.sock'}"
    context = Context(name="bench", fleet=FLEET, zookeeper=zookeeper, agent=agent, run_dir=str(run_dir), dev=True)
    write_context(context, env)
    return env
