"""Links between brokers that can't come up, break or lie: seen on both sides, said in words, mended by themselves."""

from __future__ import annotations

import asyncio
import secrets
import socket
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest
import zmq

from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed
from h2o_core.io.wire import curve_keys
from h2o_core.pb.registration_pb2 import Hello, Welcome
from h2o_core.znodes.live import encode_live
from tests.support.agent_process import AgentProcess
from tests.support.another_host import SECRET, as_reported, listed, registered
from tests.support.broker import BrokerProcess, RawLink, eventually, eventually_async
from tests.support.tcp_proxy import TcpProxy

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from h2o_core.pb.stats_pb2 import PeerReport


class Host1:
    """A real broker in the register, and a client beside it."""

    def __init__(self, directory: Path, zookeeper: str, fleet: str, stack: ExitStack) -> None:
        self.secret = directory / "secret"
        self.secret.write_text(SECRET.hex())
        self.secret.chmod(0o600)
        self.broker = stack.enter_context(
            BrokerProcess(directory / "1", fleet=fleet, zookeeper=zookeeper, secret_file=str(self.secret))
        )
        self.client = stack.enter_context(RawLink(self.broker.endpoint))
        eventually(lambda: self.client.report().register.state == "connected", "it is in the register")
        with RawLink(self.broker.endpoint) as instance:
            instance.registered()
        eventually(lambda: not self.client.report().instances, "features are known, and nobody serves them here")

    def peer(self, host: str = "host-2") -> PeerReport | None:
        return next((one for one in self.client.report().peers if one.host == host), None)

    def state(self, host: str = "host-2") -> str:
        peer = self.peer(host)
        return peer.state if peer is not None else "none"

    def why(self) -> str:
        peer = self.peer()
        return peer.why if peer is not None else ""

    def counted(self, what: str) -> int:
        return self.client.report().counters.get(what, 0)


@pytest.fixture
def host_1(tmp_path: Path, zookeeper: str, fleet_name: str) -> Iterator[Host1]:
    with ExitStack() as stack:
        yield Host1(tmp_path, zookeeper, fleet_name, stack)


@contextmanager
def fake_broker(fleet: str, port: int = 0, secret: bytes = SECRET) -> Generator[FakeBroker]:
    broker = FakeBroker(fleet, port, secret)
    try:
        yield broker
    finally:
        broker.end()


class FakeBroker:
    """A broker's port whose gatekeeper does what the test says; it greets as host-2, incarnation 7."""

    def __init__(self, fleet: str, port: int, secret: bytes) -> None:
        self._context = zmq.Context()
        self.admits = True
        self.turned_away = 0
        self._gate = self._context.socket(zmq.REP)
        self._gate.bind("inproc://zeromq.zap.01")
        self._router = self._context.socket(zmq.ROUTER)
        self._router.curve_server = True
        self._router.curve_secretkey = curve_keys(secret, fleet, "broker")[1]
        self._router.setsockopt(zmq.ZAP_DOMAIN, b"h2o")
        self._router.bind(f"tcp://127.0.0.1:{port or '*'}")
        self.address = self._router.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0").removeprefix("tcp://")
        self._welcome = Welcome(wire=1, host="host-2", incarnation=7, fleet=fleet).SerializeToString()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._gate, zmq.POLLIN)
        poller.register(self._router, zmq.POLLIN)
        while not self._over.is_set():
            ready = dict(poller.poll(20))
            if self._gate in ready:
                request = self._gate.recv_multipart()
                status = (b"200", b"OK") if self.admits else (b"400", b"not today")
                self.turned_away += not self.admits
                self._gate.send_multipart([b"1.0", request[1], *status, b"", b""])
            if self._router in ready:
                who, data = self._router.recv_multipart()
                frame = wire.decode(data)
                if frame.type == wire.HELLO:
                    self._router.send_multipart([who, wire.encode(wire.WELCOME, payload=self._welcome)])
                elif frame.type == wire.PING:
                    pong = (7).to_bytes(8, "big") + frame.payload[8:]
                    self._router.send_multipart([who, wire.encode(wire.PONG, payload=pong)])

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._context.destroy(linger=0)


# ---- keys


def test_a_wrong_secret_is_seen_on_both_sides_within_two_seconds(host_1: Host1, tmp_path: Path) -> None:
    other = tmp_path / "other-secret"
    other.write_text(secrets.token_hex(32))
    other.chmod(0o600)
    there = BrokerProcess(
        tmp_path / "2",
        host="host-2",
        fleet=host_1.broker.fleet,
        zookeeper=host_1.broker.zookeeper,
        secret_file=str(other),
    )
    with there, RawLink(there.endpoint) as beside:
        eventually(lambda: len(beside.report().peers) == 1 and host_1.state() != "none", "they know of each other")
        eventually(lambda: host_1.state() == "refused", "host-1 says so", within_s=2.0)
        eventually(lambda: beside.report().peers[0].state == "refused", "host-2 says so", within_s=2.0)
        assert "another fleet secret" in host_1.why()
        assert "secret_file" in beside.report().peers[0].why
        other.write_text(SECRET.hex())
        there.kill()
        there.start()
        eventually(lambda: host_1.state() == "up", "with the right secret they are linked")
        eventually(lambda: beside.report().peers[0].state == "up", "on both sides")
        assert (host_1.why(), beside.report().peers[0].why) == ("", "")


def test_agents_warn_of_a_wrong_secret_and_say_what_to_do(tmp_path: Path, zookeeper: str, fleet_name: str) -> None:
    """Without `secret_file` each host makes a secret of its own."""
    directories = [tmp_path / name for name in ("1", "2")]
    for directory in directories:
        directory.mkdir()
    with ExitStack() as stack:
        agents = [
            stack.enter_context(AgentProcess(directory, zookeeper, host=f"host-{directory.name}", fleet=fleet_name))
            for directory in directories
        ]
        for agent, other in zip(agents, ("host-2", "host-1"), strict=True):
            agent.until(lambda a=agent: "links:refused" in a.json("/health").get("checks", {}), "its health warns")
            health = agent.json("/health")
            (check,) = health["checks"]["links:refused"]
            assert (health["status"], check["status"], check["componentId"]) == ("warn", "warn", other)
            assert "secret_file" in check["output"]
            (row,) = [one for one in agent.rows("/hosts") if one["host"] == other]
            assert (row["link"], row["why"]) == ("refused", check["output"])


def test_a_link_that_was_rejected_comes_up_once_it_is_admitted(host_1: Host1, zookeeper: str, fleet_name: str) -> None:
    """libzmq never tries a rejected link again; the broker does."""

    async def rounds(peer: FakeBroker) -> None:
        peer.admits = False
        async with registered(zookeeper, listed(peer.address, fleet_name), fleet=fleet_name):
            await eventually_async(lambda: host_1.state() == "refused", "it is turned away, and says so", 2.0)
            assert "does not take this host's key" in host_1.why()
            await eventually_async(lambda: peer.turned_away >= 2, "it tries again")
            peer.admits = True
            await eventually_async(lambda: host_1.state() == "up", "now it is linked")
            assert host_1.why() == ""

    with fake_broker(fleet_name) as peer:
        asyncio.run(rounds(peer))


def test_another_fleet_s_broker_on_the_port_is_named_until_it_is_gone(
    host_1: Host1, zookeeper: str, fleet_name: str
) -> None:
    """The register says the right key, and somebody else has the address."""

    async def rounds(port: int, stranger: ExitStack) -> None:
        async with registered(zookeeper, listed(f"127.0.0.1:{port}", fleet_name), fleet=fleet_name):
            await eventually_async(lambda: host_1.state() == "refused", "it hangs up again and again", 2.0)
            assert "does not take this host's key" in host_1.why()
            stranger.close()
            with fake_broker(fleet_name, port):
                await eventually_async(lambda: host_1.state() == "up", "the right one is back on its port")

    with ExitStack() as stranger:
        other = stranger.enter_context(fake_broker(fleet_name, secret=bytes(32)))
        asyncio.run(rounds(int(other.address.rpartition(":")[2]), stranger))


def test_a_link_comes_up_after_another_program_had_the_port(host_1: Host1, zookeeper: str, fleet_name: str) -> None:
    async def rounds() -> None:
        async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" * 5)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(babble, "127.0.0.1")
        port: int = server.sockets[0].getsockname()[1]
        async with registered(zookeeper, listed(f"127.0.0.1:{port}", fleet_name), fleet=fleet_name):
            await eventually_async(lambda: host_1.state() == "connecting", "it tries")
            await asyncio.sleep(0.5)  # it has met the other program, whatever libzmq makes of it
            server.close()
            await server.wait_closed()
            with fake_broker(fleet_name, port):
                await eventually_async(lambda: host_1.state() == "up", "the broker is back on its port")

    asyncio.run(rounds())


# ---- half-open


def test_a_peer_that_takes_connections_and_says_nothing_is_named(
    host_1: Host1, zookeeper: str, fleet_name: str
) -> None:
    async def rounds(silent: socket.socket) -> None:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        async with registered(zookeeper, listed(address, fleet_name, instances=["dumb1"]), fleet=fleet_name):
            await eventually_async(lambda: "says nothing" in host_1.why(), "it is named")
            assert host_1.state() == "connecting"
            answer = host_1.client.refusal()
            assert (answer.code, answer.executed) == (Code.NO_ROUTE, Executed.NO), "nothing is sent to it"

    with socket.create_server(("127.0.0.1", 0)) as silent:
        asyncio.run(rounds(silent))


@pytest.mark.parametrize("long", [False, True], ids=["short", "longer than ZMTP waits"])
def test_a_connection_that_dies_without_a_word_is_suspect_then_back(
    host_1: Host1, zookeeper: str, fleet_name: str, tmp_path: Path, long: bool
) -> None:
    """In flight is kept while it may still be answered, and ends as unknown once the connection is another one."""
    there = BrokerProcess(tmp_path / "2", host="host-2", fleet=fleet_name, secret_file=str(host_1.secret))

    async def rounds(instance: RawLink, beside: RawLink) -> None:
        instance.registered()
        address = beside.picture().hosts[0].address
        async with TcpProxy(address) as proxy:
            live = as_reported(beside.report(), proxy.address)
            async with registered(zookeeper, live, fleet=fleet_name):
                await eventually_async(lambda: host_1.state() == "up", "they are linked")
                asked = host_1.client.ask(remaining_ms=60_000)
                held: list[wire.Frame] = []
                await eventually_async(lambda: _arrived(instance, wire.REQUEST, None, held), "it is there")
                proxy.stall()
                took = await eventually_async(lambda: host_1.state() == "suspect", "no PONG comes")
                assert took < 2.0
                peer = host_1.peer()
                assert peer is not None
                assert peer.in_flight == 1, "what is in flight is kept"
                if long:
                    await eventually_async(lambda: "says nothing" in host_1.why(), "the connection is given up", 15.0)
                proxy.resume()
                await eventually_async(lambda: host_1.state() == "up", "it is back")
                if long:
                    answer = host_1.client.expect(wire.ANSWER, correlation=asked, within_s=2.0)
                    assert (answer.code, answer.executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
                else:
                    instance.send(wire.ANSWER, correlation=held[0].correlation, flags=2)
                    found: list[wire.Frame] = []
                    await eventually_async(lambda: _arrived(host_1.client, wire.ANSWER, asked, found), "it is answered")
                    assert found[0].code == Code.OK

    with there, RawLink(there.endpoint) as instance, RawLink(there.endpoint) as beside:
        asyncio.run(rounds(instance, beside))


def _arrived(client: RawLink, kind: int, correlation: int | None, found: list[wire.Frame]) -> bool:
    """Without waiting: the proxy runs on this loop."""
    frame = client.wait(kind, within_s=0, correlation=correlation)
    found.extend([frame] if frame is not None else [])
    return bool(found)


# ---- doubles


def test_garbage_on_the_port_for_brokers_harms_nobody(host_1: Host1, zookeeper: str, fleet_name: str) -> None:
    async def rounds(peer: FakeBroker) -> None:
        async with registered(zookeeper, listed(peer.address, fleet_name), fleet=fleet_name):
            await eventually_async(lambda: host_1.state() == "up", "they are linked")
            host, _, port = host_1.client.picture().hosts[0].address.rpartition(":")
            garbage = secrets.token_bytes(4096)
            for _ in range(50):
                with socket.create_connection((host, int(port))) as connection:
                    connection.sendall(garbage)
            peer_s = host_1.peer()
            assert peer_s is not None
            eventually(lambda: host_1.client.report().peers[0].pong_age_ms < peer_s.pong_age_ms, "a new PONG came")
            assert host_1.state() == "up"

    with fake_broker(fleet_name) as peer:
        asyncio.run(rounds(peer))


def test_an_instance_id_of_two_hosts_is_refused_loudly(host_1: Host1, zookeeper: str, fleet_name: str) -> None:
    async def rounds(peer: FakeBroker, own: str) -> None:
        first = listed(peer.address, fleet_name, instances=["one"])
        second = listed("127.0.0.1:1", fleet_name, host="host-3", instances=["one", own, "fine"])
        async with registered(zookeeper, first, fleet=fleet_name) as registry:
            await eventually_async(lambda: host_1.state() == "up", "host-2 was first")
            await registry.create(registry.paths.live("host-3"), encode_live(second), ephemeral=True)
            await eventually_async(lambda: host_1.counted("repeated_instance_ids") == 2, "both are counted")
            hosts = {host.host: [one.instance for one in host.instances] for host in host_1.client.picture().hosts}
            assert hosts == {"host-1": [own], "host-2": ["one"], "host-3": ["fine"]}
            alarms = {alarm.kind: alarm.sentence for alarm in host_1.client.report().register.alarms}
            assert "restart that instance on host-3" in alarms["repeated"]
            assert "host-3 lists instance one, which is host-2's" in host_1.broker.log
            await registry.delete(registry.paths.live("host-3"))
            await eventually_async(lambda: not host_1.client.report().register.alarms, "the alarm ends")

    with RawLink(host_1.broker.endpoint) as instance, fake_broker(fleet_name) as peer:
        asyncio.run(rounds(peer, instance.registered()))


def test_a_double_that_greets_changes_nothing_for_the_one_whose_name_it_has(
    host_1: Host1, zookeeper: str, fleet_name: str, tmp_path: Path
) -> None:
    """Its requests in flight here are not taken for those of a broker that is gone."""
    there = BrokerProcess(
        tmp_path / "2", host="host-2", fleet=fleet_name, zookeeper=zookeeper, secret_file=str(host_1.secret)
    )
    with there, RawLink(there.endpoint) as caller, RawLink(host_1.broker.endpoint) as instance:
        instance.registered()
        eventually(lambda: host_1.state() == "up", "they are linked")
        eventually(lambda: caller.report().peers[0].state == "up", "on both sides")
        eventually(
            lambda: any(one.routable for host in caller.picture().hosts for one in host.instances), "it is known"
        )
        asked = caller.ask()
        request = instance.expect(wire.REQUEST)
        host = host_1.client.picture().hosts[0].address
        with zmq.Context() as context:
            double = context.socket(zmq.DEALER)
            double.setsockopt(zmq.LINGER, 0)
            double.curve_publickey, double.curve_secretkey = curve_keys(SECRET, fleet_name, "link")
            double.curve_serverkey = curve_keys(SECRET, fleet_name, "broker")[0]
            double.connect(f"tcp://{host}")
            double.send(
                wire.encode(wire.HELLO, payload=Hello(wire=1, host="host-2", incarnation=99).SerializeToString())
            )
            eventually(lambda: host_1.counted("greetings_of_a_double") == 1, "it is counted")
            assert not double.poll(100), "and not answered"
            double.close()
        instance.send(wire.ANSWER, correlation=request.correlation, flags=2)
        assert caller.expect(wire.ANSWER, correlation=asked).code == Code.OK
