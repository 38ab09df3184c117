"""Many hosts at once: a thousand in the register that a joining broker reads, fifty brokers that start together."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import subprocess
import time
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Final

import psutil

from bench.children import BenchError
from bench.faults.stage import LOADS, PACKAGE, ROOT, Stage
from bench.neighbours import neighbour
from h2o_core.envelope import ASK, TOLD
from h2o_core.io.registry import Registry
from h2o_core.io.wire import peer_key
from h2o_core.io.zookeeper import ZooKeeperChild, four_letter_word
from h2o_core.pb.stats_pb2 import Ask
from h2o_core.znodes.live import encode_live
from tests.support.broker import BrokerProcess, RawLink

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from bench.faults.result import Result
    from tests.counting.client import CountingClient

HOSTS: Final = 1000
EACH: Final = 20
PACKAGES: Final = 500
BROKERS: Final = 50
_JOINS: Final = 3
_READ: Final = re.compile(r"(\d+) other hosts read, ([0-9.]+) s after connecting")
_ZXID: Final = re.compile(r"Zxid: 0x([0-9a-f]+)")
_WRITES_EACH: Final = 12
"""A session's start, what every fleet has (most nodes are there already), its own node, and a few changes of that."""
_TOLD_S: Final = 1.0
_LONG_S: Final = 90.0
"""Fifty brokers on two cores."""


def thousand_read(stage: Stage) -> Result:
    """1,000 hosts with 20 instances each stand in the register; a broker joins, three times."""
    zookeeper = stage.enter(ZooKeeperChild(stage.directory / "zookeeper"))
    secret = _secret(stage.directory)
    key = peer_key(bytes.fromhex(secret.read_text()), "thousand")
    reads_s, broken = asyncio.run(_among_a_thousand(stage, zookeeper.address, secret, key))
    client = _served(stage, [stage.enter(_broker(stage, _JOINS, zookeeper.address, "small", secret))])
    notes = [f"read in {', '.join(f'{read_s:.3f}' for read_s in reads_s)} s"]
    return stage.settle(None, [client], broken=broken, notes=notes, extra={"read_s": median(reads_s)})


async def _among_a_thousand(stage: Stage, zookeeper: str, secret: Path, key: str) -> tuple[list[float], list[str]]:
    registry = Registry(zookeeper, "thousand", dev=True, session_timeout_s=30)
    await registry.start(10)
    try:
        await registry.create(registry.paths.lives, b"")
        for first in range(0, HOSTS, 100):
            lives = [neighbour(at, EACH, key, PACKAGES) for at in range(first, first + 100)]
            await asyncio.gather(
                *(registry.create(registry.paths.live(one.host), encode_live(one), ephemeral=True) for one in lives)
            )
        found = [
            await asyncio.to_thread(_join, _broker(stage, at, zookeeper, "thousand", secret)) for at in range(_JOINS)
        ]
    finally:
        await registry.stop()
    broken = [f"{hosts} hosts were read" for hosts, _ in found if hosts < HOSTS]
    return [read_s for _, read_s in found], broken


def _join(broker: BrokerProcess) -> tuple[int, float]:
    """(hosts, seconds) from the broker's own log."""
    with broker:
        until_s = time.monotonic() + _LONG_S
        while (said := _READ.search(broker.log)) is None:
            if time.monotonic() > until_s:
                msg = f"it did not read the register: {broker.log[-2000:]}"
                raise BenchError(msg)
            time.sleep(0.02)
        broker.stop()
    return int(said[1]), float(said[2])


def fifty_at_once(stage: Stage) -> Result:
    """Fifty brokers start together: mended when each is linked with each; then a request crosses."""
    zookeeper = stage.enter(ZooKeeperChild(stage.directory / "zookeeper"))
    secret = _secret(stage.directory)
    brokers = [_broker(stage, at, zookeeper.address, "fifty", secret) for at in range(BROKERS)]
    before = _writes(zookeeper.address)
    struck_s = time.monotonic()
    for broker in brokers:
        stage.enter(_launched(broker))
    stage.wait(lambda: all(" serves " in broker.log for broker in brokers), "all serve their own host", _LONG_S)
    served_s = time.monotonic()
    stage.wait(lambda: all(_linked(broker) for broker in brokers), "each is linked with each", _LONG_S)
    linked_s = time.monotonic()
    writes = _writes(zookeeper.address) - before
    rss_mib = [psutil.Process(one.process.pid).memory_info().rss / 2**20 for one in brokers if one.process]
    client = _served(stage, [brokers[0], brokers[-1]])
    most = _WRITES_EACH * BROKERS
    broken = [] if writes <= most else [f"{writes} writes to ZooKeeper, {most} were to be enough"]
    extra = {
        "served_s": served_s - struck_s,
        "linked_after_s": linked_s - served_s,
        "zookeeper_writes": writes,
        "rss_mib": max(rss_mib),
    }
    return stage.settle(linked_s - struck_s, [client], broken=broken, extra=extra)


@contextmanager
def _launched(broker: BrokerProcess) -> Generator[None]:
    broker.process = broker.launch()
    try:
        yield
    finally:
        broker.kill()


def _linked(broker: BrokerProcess) -> bool:
    with RawLink(broker.endpoint) as link:
        return sum(peer.state == "up" for peer in link.report().peers) == BROKERS - 1


def _secret(directory: Path) -> Path:
    path = directory / "secret"
    path.write_text(secrets.token_hex(32))
    path.chmod(0o600)
    return path


def _broker(stage: Stage, at: int, zookeeper: str, fleet: str, secret: Path) -> BrokerProcess:
    host = f"broker-{at:02d}"
    return BrokerProcess(stage.directory / host, host=host, fleet=fleet, zookeeper=zookeeper, secret_file=str(secret))


def _served(stage: Stage, brokers: Sequence[BrokerProcess]) -> CountingClient:
    """Load at the first of them, served by an instance beside the last."""
    spec = stage.counting()
    environ = {**os.environ, **spec.env, "H2O_BROKER": str(brokers[-1].run_dir)}
    stage.enter(_running(subprocess.Popen(spec.command, env=environ, cwd=ROOT)))
    client = stage.client(brokers[0].endpoint)
    stage.wait(lambda: _routable(brokers[0]), "the instance is routable", _LONG_S)
    for load in LOADS:
        client.add(load)
    stage.wait(lambda: client.oks >= 100, "requests are served", _LONG_S)
    return client


@contextmanager
def _running(process: subprocess.Popen[bytes]) -> Generator[None]:
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _routable(broker: BrokerProcess) -> bool:
    """It has the instance, and knows what that has."""
    with RawLink(broker.endpoint) as link:
        if not any(one.routable for host in link.picture().hosts for one in host.instances if one.package == PACKAGE):
            return False
        link.send(ASK, correlation=8, payload=Ask(what=Ask.MANIFEST, package=PACKAGE).SerializeToString())
        return link.wait(TOLD, correlation=8, within_s=_TOLD_S) is not None


def _writes(zookeeper: str) -> int:
    """How many writes ZooKeeper has seen: the lower half of its newest transaction's number."""
    found = _ZXID.search(four_letter_word(zookeeper, "srvr"))
    if found is None:
        msg = "ZooKeeper does not say how many writes it has seen"
        raise BenchError(msg)
    return int(found[1], 16) & 0xFFFFFFFF
