"""Brokers of one fleet, an instance of service/echo on some, on a ZooKeeper that can be cut off from each."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

import pytest

from h2o_core import envelope as wire
from h2o_core.io.registry import Registry
from tests.support.broker import BrokerProcess, RawLink, eventually
from tests.support.session import in_session
from tests.support.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator
    from pathlib import Path

    from h2o_core.pb.stats_pb2 import Alarm, RegisterReport

T = TypeVar("T")
SESSION_S = 2.0


def registered(zookeeper: str, fleet: str, work: Callable[[Registry], Awaitable[T]]) -> T:
    """What *work* returns, with a session of its own."""
    return in_session(lambda: Registry(zookeeper, fleet, dev=True), work)


@contextmanager
def proxied(target: str, bind: str = "127.0.0.1") -> Generator[Proxy]:
    """A TcpProxy on a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    proxy = TcpProxy(target, bind)
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
