"""Another host as the register lists it: what its document says is the test's to choose."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from h2o_core.envelope import WIRE
from h2o_core.io.registry import Registry
from h2o_core.io.wire import peer_key
from h2o_core.znodes.live import LiveHost, LiveInstance, encode_live
from tests.support.session import opened

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable

    from h2o_core.pb.stats_pb2 import BrokerReport

SECRET = bytes(range(32))
DIGEST = "0" * 32


def listed(
    address: str, fleet: str, *, host: str = "host-2", incarnation: int = 7, instances: Iterable[str] = ()
) -> LiveHost:
    """A host whose broker is said to be at *address*, with instances of service/echo 1.0.0 by their ids."""
    return LiveHost(
        host=host,
        zone="b",
        address=address,
        key=peer_key(SECRET, fleet),
        incarnation=incarnation,
        machine=f"machine-of-{host}",
        wire=WIRE,
        instances=tuple(LiveInstance(one, "/service/echo", "1.0.0", DIGEST, 4, 1.0, 1) for one in instances),
    )


def as_reported(report: BrokerReport, address: str) -> LiveHost:
    """The document of a real broker that has no register itself, with another address than its own."""
    ids = [one.instance for one in report.instances]
    return listed(address, report.fleet, host=report.host, incarnation=report.incarnation, instances=ids)


@asynccontextmanager
async def registered(zookeeper: str, *lives: LiveHost, fleet: str) -> AsyncGenerator[Registry]:
    """Their nodes are there as long as the block runs."""
    async with opened(Registry(zookeeper, fleet, dev=True)) as registry:
        for live in lives:
            await registry.create(registry.paths.live(live.host), encode_live(live), ephemeral=True)
        yield registry
