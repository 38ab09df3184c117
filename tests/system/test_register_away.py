"""Brokers while ZooKeeper is away, when it comes back, and when it comes back with nothing."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import pytest

from h2o_core import envelope as wire
from h2o_core.errors import Code
from h2o_core.io.registry import Registry
from h2o_core.io.zookeeper import ZooKeeperChild
from h2o_core.znodes import FleetSettings, NewVersions, Paths, encode_settings, parse_epoch
from tests.support.broker import BrokerProcess, RawLink, eventually
from tests.support.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Generator, Iterator
    from pathlib import Path

    from h2o_core.pb.stats_pb2 import Alarm, RegisterReport

T = TypeVar("T")
SESSION_S = 2.0


def registered(zookeeper: str, fleet: str, work: Callable[[Registry], Awaitable[T]]) -> T:
    """What *work* returns, with a session of its own."""

    async def run() -> T:
        registry = Registry(zookeeper, fleet, dev=True)
        try:
            await registry.start(10)
            return await work(registry)
        finally:
            await registry.stop()

    return asyncio.run(run())


@contextmanager
def proxied(target: str) -> Generator[Proxy]:
    """A TcpProxy on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    proxy = TcpProxy(target)
    asyncio.run_coroutine_threadsafe(proxy.__aenter__(), loop).result(10)
    try:
        yield Proxy(proxy, loop)
    finally:
        asyncio.run_coroutine_threadsafe(proxy.__aexit__(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


class Proxy:
    """A TcpProxy for those who live outside its loop."""

    def __init__(self, proxy: TcpProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop
        self.address = proxy.address

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def resume(self) -> None:
        self._loop.call_soon_threadsafe(self._proxy.resume)


class Hosts:
    """host-1 with a client, and others with an instance of service/echo each."""

    def __init__(self, directory: Path, fleet: str, stack: ExitStack) -> None:
        self.directory = directory
        self.fleet = fleet
        self.brokers: dict[str, BrokerProcess] = {}
        self.instances: dict[str, RawLink] = {}
        self.ids: dict[str, str] = {}
        self._stack = stack
        secret = directory / "secret"
        secret.write_text(secrets.token_hex(32))
        secret.chmod(0o600)
        self._secret = str(secret)

    def start(self, host: str, zookeeper: str, *, serves: bool = False) -> BrokerProcess:
        broker = BrokerProcess(
            self.directory / host,
            host=host,
            fleet=self.fleet,
            zookeeper=zookeeper,
            secret_file=self._secret,
            extra=f"session_timeout_s = {SESSION_S}",
        )
        self.brokers[host] = self._stack.enter_context(broker)
        if serves:
            self.instances[host] = self._stack.enter_context(RawLink(broker.endpoint))
            self.ids[host] = self.instances[host].registered()
        return broker

    def link(self, host: str = "host-1") -> RawLink:
        return self._stack.enter_context(RawLink(self.brokers[host].endpoint))

    def serve_one(self, client: RawLink) -> int:
        """One request through *client*, served by whoever gets it; its code."""
        asked = client.ask()
        answers: list[int] = []

        def answered() -> bool:
            for instance in self.instances.values():
                request = instance.wait(wire.REQUEST, within_s=0)
                if request is not None:
                    instance.send(wire.ANSWER, correlation=request.correlation, flags=2)
            frame = client.wait(wire.ANSWER, within_s=0, correlation=asked)
            answers.extend([] if frame is None else [frame.code])
            return bool(answers)

        eventually(answered, "the request is answered")
        return answers[0]


@pytest.fixture
def own_zookeeper(tmp_path: Path) -> Iterator[ZooKeeperChild]:
    with ZooKeeperChild(tmp_path / "zookeeper") as child:
        yield child


@pytest.fixture
def hosts(tmp_path: Path, fleet_name: str) -> Iterator[Hosts]:
    with ExitStack() as stack:
        yield Hosts(tmp_path, fleet_name, stack)


def links(client: RawLink) -> dict[str, str]:
    return {peer.host: peer.state for peer in client.report().peers}


def routable(client: RawLink) -> set[str]:
    """Hosts with an instance that requests are given to."""
    return {host.host for host in client.picture().hosts if any(one.routable for one in host.instances)}


def standings(client: RawLink) -> dict[str, str]:
    return {host.host: host.register for host in client.picture().hosts if host.link != "self"}


def register(client: RawLink) -> RegisterReport:
    return client.report().register


def alarms(client: RawLink) -> dict[tuple[str, str], Alarm]:
    return {(one.kind, one.path.rpartition("/")[2]): one for one in register(client).alarms}


def in_file(broker: BrokerProcess, text: str) -> bool:
    """The last-known file is there and says so."""
    path = broker.directory / "state" / "last-known"
    return path.exists() and text.encode() in path.read_bytes()


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
    assert client.expect(wire.ANSWER, correlation=client.ask()).code == Code.NO_ROUTE
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

    async def decide(registry: Registry) -> None:
        await registry.create(paths.settings, settings)
        await registry.set(paths.epoch, b'{"change_id":"","changes":[],"epoch":41,"schema":1}')

    registered(own_zookeeper.address, hosts.fleet, decide)
    eventually(lambda: client.report().epoch == 41, "the epoch is seen")
    incarnation = client.report().peers[0].incarnation

    own_zookeeper.kill()
    shutil.rmtree(own_zookeeper.data_dir / "data")
    own_zookeeper.start()

    def back() -> bool:
        assert hosts.serve_one(client) == Code.OK
        told = ("document", "fleet") in alarms(client)
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
    registered(own_zookeeper.address, hosts.fleet, lambda registry: registry.create(paths.settings, settings))
    eventually(lambda: not register(client).alarms, "all is well again")
