"""Hosts that only stand in the register: live nodes in a real ZooKeeper, at whose addresses nobody listens.

``python -m bench.neighbours ZOOKEEPER FLEET SECRET_FILE HOSTS EACH``; answers ``{"hosts": n}`` to each line on
standard input, once all are in, and they leave with it when that closes.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from h2o_core.envelope import WIRE
from h2o_core.io.registry import Registry
from h2o_core.io.wire import peer_key
from h2o_core.znodes.live import LiveHost, LiveInstance, encode_live

PACKAGES: Final = 250
_AT_ONCE: Final = 100
_WITHIN_S: Final = 10.0


def neighbour(at: int, each: int, key: str, packages: int = PACKAGES) -> LiveHost:
    """The *at*-th host, with *each* instances of *packages* and the public *key* of the fleet's brokers."""
    instances = tuple(
        LiveInstance(
            id=secrets.token_hex(8),
            package=f"/service/package-{(7 * at + n) % packages:03d}",
            version=f"1.{n % 3}.2",
            digest="0" * 64,
            slots=64,
            started_s=time.time() - 60 * n,
            pid=4000 + n,
        )
        for n in range(each)
    )
    return LiveHost(
        host=f"host-{at:04d}",
        zone="abc"[at % 3],
        address=f"127.{1 + at // 250}.{at % 250}.1:9",
        key=key,
        incarnation=secrets.randbits(63),
        machine=f"machine-{at}",
        wire=WIRE,
        labels={"rack": str(at % 40), "disk": "ssd"},
        instances=instances,
    )


async def main(zookeeper: str, fleet: str, secret_file: str, hosts: int, each: int) -> None:
    """Keep them registered until standard input closes."""
    registry = Registry(zookeeper, fleet, dev=True, session_timeout_s=30)
    await registry.start(_WITHIN_S)
    key = peer_key(bytes.fromhex(await asyncio.to_thread(Path(secret_file).read_text)), fleet)
    try:
        for first in range(0, hosts, _AT_ONCE):
            lives = [neighbour(at, each, key) for at in range(first, min(first + _AT_ONCE, hosts))]
            await asyncio.gather(
                *(registry.create(registry.paths.live(one.host), encode_live(one), ephemeral=True) for one in lives)
            )
        while await asyncio.to_thread(sys.stdin.readline):
            sys.stdout.write(json.dumps({"hosts": hosts}) + "\n")
            sys.stdout.flush()
    finally:
        await registry.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
