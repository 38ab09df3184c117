"""Brokers while ZooKeeper is away, when it comes back, and when it comes back with nothing."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from h2o_core.control.epoch import Epoch, encode_epoch, parse_epoch
from h2o_core.control.settings import FleetSettings, NewVersions, encode_settings
from h2o_core.control.traffic import Traffic, encode_traffic
from h2o_core.errors import Code
from h2o_core.io.zookeeper import ZooKeeperChild
from h2o_core.znodes.paths import Paths
from tests.support.broker import eventually
from tests.support.control import decide
from tests.support.hosts import Hosts, alarms, in_file, links, register, registered, routable, standings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from h2o_core.io.registry import Registry


@pytest.fixture
def own_zookeeper(tmp_path: Path) -> Iterator[ZooKeeperChild]:
    with ZooKeeperChild(tmp_path / "zookeeper") as child:
        yield child


# ---- away


def test_a_broker_that_restarts_without_zookeeper_serves_from_its_file(
    hosts: Hosts, own_zookeeper: ZooKeeperChild
) -> None:
    here = hosts.start("host-1", own_zookeeper.address)
    hosts.start("host-2", own_zookeeper.address, serves=True)
    client = hosts.link()
    eventually(lambda: "host-2" in routable(client), "host-1 knows of host-2")
    assert (register(client).picture_age_s, register(client).from_file) == (0, False)
    eventually(lambda: in_file(here, hosts.ids["host-2"]), "the file is written")
    client.close()

    own_zookeeper.kill()
    here.kill()
    here.start()
    client = hosts.link()
    took_s = eventually(lambda: "host-2" in routable(client), "it serves from the file")
    assert took_s < 2, "it did not wait for ZooKeeper"
    assert hosts.serve_one(client) == Code.OK
    told = register(client)
    assert (told.state, told.from_file) == ("connecting", True)
    assert told.picture_age_s > 0
    assert told.silent_s > 0
    assert standings(client) == {"host-2": "remembered"}

    own_zookeeper.start()
    eventually(lambda: standings(client) == {"host-2": "registered"}, "the register is read")
    eventually(lambda: register(client).picture_age_s == 0, "it is true again")
    assert not register(client).from_file
    assert hosts.serve_one(client) == Code.OK


def test_what_the_file_has_and_the_register_has_not_goes_and_was_never_routed_to(
    hosts: Hosts, own_zookeeper: ZooKeeperChild
) -> None:
    here = hosts.start("host-1", own_zookeeper.address)
    gone = hosts.start("host-2", own_zookeeper.address, serves=True)
    eventually(lambda: in_file(here, hosts.ids["host-2"]), "the file is written")
    own_zookeeper.kill()
    here.kill()
    gone.kill()
    here.start()
    client = hosts.link()
    eventually(lambda: standings(client) == {"host-2": "remembered"}, "it remembers")
    assert routable(client) == set()
    assert client.refusal().code == Code.NO_ROUTE
    own_zookeeper.start()
    eventually(lambda: standings(client) == {}, "host-2 is gone when its session has expired")
    eventually(lambda: not in_file(here, "live/host-2"), "out of the file too")


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "not JSON": lambda data: b"{" + data[5:],
    "schema 7 is newer": lambda data: data.replace(b'"schema":1', b'"schema":7', 1),
    "it is damaged": lambda data: data + b"{}",
    "more than the 67,108,864": lambda data: data + bytes(65 << 20),
}


@pytest.mark.parametrize("says", SPOILT)
def test_a_file_that_can_t_be_used_is_refused_in_a_sentence(hosts: Hosts, zookeeper: str, says: str) -> None:
    here = hosts.start("host-1", zookeeper)
    path = here.directory / "state" / "last-known"
    eventually(path.exists, "the file is written")
    here.kill()
    path.write_bytes(SPOILT[says](path.read_bytes()))
    here.start()
    client = hosts.link()
    assert client.report().counters["unusable_last_known_files"] == 1
    eventually(lambda: ("file", "last-known") not in alarms(client), "a whole one is written, and the alarm ends")
    assert says in here.log


def test_sigterm_without_zookeeper_ends_in_time(hosts: Hosts, own_zookeeper: ZooKeeperChild) -> None:
    here = hosts.start("host-1", own_zookeeper.address)
    client = hosts.link()
    eventually(lambda: register(client).state == "connected", "it is connected")
    own_zookeeper.kill()
    eventually(lambda: register(client).state == "silent", "it has noticed")
    began_s = time.monotonic()
    assert here.stop() == 0
    assert time.monotonic() - began_s < 5


def test_an_orderly_end_is_told_to_the_others_without_zookeeper(hosts: Hosts, own_zookeeper: ZooKeeperChild) -> None:
    hosts.start("host-1", own_zookeeper.address)
    there = hosts.start("host-2", own_zookeeper.address, serves=True)
    client = hosts.link()
    eventually(lambda: "host-2" in routable(client), "host-1 knows of host-2")
    own_zookeeper.kill()
    there.signal(signal.SIGTERM)
    eventually(lambda: links(client) == {"host-2": "leaving"}, "it said goodbye")
    assert routable(client) == set()


# ---- back, with everything or nothing


def test_a_wiped_register_is_made_again_and_nobody_is_dropped(hosts: Hosts, own_zookeeper: ZooKeeperChild) -> None:
    for host in ("host-1", "host-2"):
        hosts.start(host, own_zookeeper.address, serves=host == "host-2")
    client = hosts.link()
    eventually(lambda: "host-2" in routable(client), "host-1 knows of host-2")
    paths = Paths(hosts.fleet)
    settings = encode_settings(FleetSettings(new_versions=NewVersions.SHARE))

    traffic = encode_traffic(Traffic("/service/echo", "1.0.0", (("1.0.0", 10_000),)))

    async def write(registry: Registry) -> None:
        await registry.set(paths.epoch, encode_epoch(Epoch(40)))
        await decide(registry, {"control/fleet": settings, "control/traffic/service.echo": traffic})

    registered(own_zookeeper.address, hosts.fleet, write)
    eventually(lambda: client.report().epoch == 41, "the epoch is applied")
    incarnation = client.report().peers[0].incarnation

    own_zookeeper.kill()
    shutil.rmtree(own_zookeeper.data_dir / "data")
    own_zookeeper.start()

    def back() -> bool:
        assert hosts.serve_one(client) == Code.OK
        told = {("document", "fleet"), ("document", "service.echo")} <= alarms(client).keys()
        return told and register(client).state == "connected" and standings(client) == {"host-2": "registered"}

    async def children(registry: Registry) -> list[str]:
        return await registry.children(paths.lives)

    eventually(back, "all is registered again")
    assert client.report().peers[0].incarnation == incarnation
    assert links(client) == {"host-2": "up"}
    assert registered(own_zookeeper.address, hosts.fleet, children) == ["host-1", "host-2"]

    async def rest(registry: Registry) -> tuple[int, bool]:
        epoch = await registry.get(paths.epoch)
        manifest = await registry.get(paths.version("/service/echo", "1.0.0"))
        assert epoch is not None
        return parse_epoch(paths.epoch, epoch.data).epoch, manifest is not None

    eventually(lambda: registered(own_zookeeper.address, hosts.fleet, rest) == (41, True), "and epoch and manifest")
    assert "write the settings again" in alarms(client)["document", "fleet"].sentence
    again = {"control/fleet": settings, "control/traffic/service.echo": traffic}
    assert registered(own_zookeeper.address, hosts.fleet, lambda registry: decide(registry, again)) == 42
    eventually(lambda: client.report().epoch == 42, "what was written again is applied")
    eventually(lambda: not register(client).alarms, "all is well again")
