"""The counting client on a real broker: it counts what happens, also when the broker does not."""

from __future__ import annotations

import signal
import sys
import time
from typing import TYPE_CHECKING

import pytest

from h2o_core import envelope
from tests.counting import wire
from tests.counting.account import settle
from tests.counting.client import CountingClient, Load
from tests.counting.executions import read_executions
from tests.support.peer import Peer, echo
from tests.support.processes import Child, Host, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.peer import Frame

LOOK = "/service/counting/look"
BOOK = "/service/counting/book"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def client(host: Host) -> Iterator[CountingClient]:
    with CountingClient(host.endpoint) as client:
        yield client


def package(host: Host) -> Child:
    argv = [sys.executable, "-m", "tests.counting.package"]
    environ = {"H2O_BROKER": str(host.run_dir), "COUNTING_DIR": str(host.directory / "counting")}
    return Child(argv, host.directory / "package.log", **environ)


async def test_every_request_is_served_once_and_written_down(host: Host, client: CountingClient) -> None:
    with host.broker(), package(host):
        await host.instances(1)
        client.add(Load(LOOK, idempotent=True, in_flight=8, count=300))
        client.add(Load(BOOK, idempotent=False, rate_per_s=500, count=100, delay_s=0.01))
        account = settle(client.finish(), read_executions(host.directory / "counting"))
    assert str(account).startswith("400 requests: 400 OK; 400 executions, 0 late answers")
    assert account.breaches == ()
    assert (client.malformed, client.strays, len(client.brokers)) == (0, 0, 1)


async def test_a_restarted_broker_is_noticed_and_what_it_had_is_unknown(host: Host, client: CountingClient) -> None:
    with package(host):
        with host.broker() as broker:
            await host.instances(1)
            client.add(Load(BOOK, idempotent=False, in_flight=4, count=4, delay_s=0.3, deadline_s=30))
            await until(lambda: len(read_executions(host.directory / "counting")) == 4, "all four are executed")
            broker.kill()
        await until(lambda: client.idle, "all four have an answer")
        with host.broker():
            await host.instances(1)
            client.add(Load(LOOK, idempotent=True, in_flight=4, count=10))
            requests = client.finish()
    account = settle(requests, read_executions(host.directory / "counting"))
    assert account.codes == {"OK": 10, "OUTCOME_UNKNOWN": 4}
    assert all(one.answers[0].made_up for one in requests[:4])
    assert (account.breaches, account.executions, len(client.brokers)) == ((), 14, 2)


async def test_a_pause_is_not_made_up_for(host: Host, client: CountingClient) -> None:
    with host.broker(), package(host):
        await host.instances(1)
        client.add(Load(LOOK, idempotent=True, rate_per_s=200))
        await until(lambda: client.oks > 20, "requests flow")
        client.pause()
        before, paused_s = len(client.requests()), time.monotonic()
        await until(lambda: time.monotonic() > paused_s + 0.5, "half a second has passed")
        client.resume()
        await until(lambda: client.oks > before, "requests flow again")
        assert len(client.requests()) < before + 50
        client.finish()


async def test_without_a_broker_nothing_is_sent_and_nothing_executed(client: CountingClient) -> None:
    client.add(Load(LOOK, idempotent=True, in_flight=2, count=2))
    account = settle(client.finish(), [])
    assert (account.codes, account.breaches) == ({"UNAVAILABLE": 2}, ())


async def test_a_broker_that_hangs_is_answered_for_at_the_deadline(host: Host, client: CountingClient) -> None:
    with host.broker() as broker, package(host):
        await host.instances(1)
        client.add(Load(LOOK, idempotent=True, in_flight=1, count=1))
        client.pause()
        broker.signal(signal.SIGSTOP)
        client.add(Load(LOOK, idempotent=True, in_flight=3, count=3, deadline_s=0.2))
        client.pause()
        broker.signal(signal.SIGCONT)
        client.add(Load(LOOK, idempotent=True, in_flight=1, count=1))
        requests = client.finish()
    assert settle(requests, read_executions(host.directory / "counting")).codes == {"TIMEOUT": 3, "OK": 2}
    timed_out = [one for one in requests if not one.ok]
    assert all(0.25 <= one.answers[0].at_s - one.sent_s < 5 and one.answers[0].made_up for one in timed_out)


async def test_a_second_answer_is_seen(host: Host) -> None:
    def twice(peer: Peer, who: bytes, frame: Frame) -> None:
        for _ in range(2):
            peer.send(who, envelope.encode(envelope.ANSWER, flags=2, correlation=frame.correlation))

    with Peer(host.run_dir) as peer, CountingClient(host.endpoint) as client:
        peer.serve = twice
        client.add(Load(LOOK, idempotent=True, in_flight=1, count=1))
        await until(lambda: [len(one.answers) for one in client.requests()] == [2], "it is answered twice")
        (request,) = client.requests()
    assert [one.code for one in request.answers] == [0, 0]
    assert "2 answers" in settle([request], []).breaches[0]


async def test_nonsense_is_counted_and_harms_nobody(host: Host, client: CountingClient) -> None:
    def babble(peer: Peer, who: bytes, frame: Frame) -> None:
        peer.send(who, b"nonsense")
        peer.send(who, wire.pack(wire.ANSWER, flags=2, correlation=4_000_000))
        echo(peer, who, frame)

    with Peer(host.run_dir) as peer:
        peer.serve = babble
        client.add(Load(LOOK, idempotent=True, in_flight=1, count=1))
        await until(lambda: client.oks == 1, "it is answered")
    assert (client.malformed, client.strays) == (1, 1)


async def test_pings_are_answered(host: Host, client: CountingClient) -> None:
    with Peer(host.run_dir) as peer:
        ((who, _),) = (await peer.until(1, "PING"))[:1]
        peer.send(who, wire.pack(wire.PING, payload=bytes(15) + b"\1"))
        _, pong = (await peer.until(1, "PONG"))[0]
        assert pong.payload == bytes(15) + b"\1"


def test_what_was_never_sent_is_not_answered_twice_after_a_pause_of_the_client_itself(host: Host) -> None:
    client = CountingClient(host.endpoint)  # not started: its turns are taken here
    client.add(Load(BOOK, idempotent=False, in_flight=2, count=2, deadline_s=0.5))
    now_s = time.monotonic()
    client._begin(now_s - 3.0)
    client._make_up(now_s)
    client._turn()
    assert settle(client.requests(), []).codes == {"UNAVAILABLE": 2}
    assert settle(client.requests(), []).breaches == ()
    assert not client._unsent
