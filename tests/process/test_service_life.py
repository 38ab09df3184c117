"""A package's life as a process: start, loss and return of its broker, signals, leaving under load."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.wrappers_pb2 import StringValue

from h2o_core import envelope as wire
from h2o_core.errors import Code, Executed, H2OError
from h2o_core.io.client import Client
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.registration_pb2 import Register
from tests.support.peer import Peer
from tests.support.processes import Child, Host, until

if TYPE_CHECKING:
    from collections.abc import Iterator

ECHO = "/service/author/echo"
WAIT = "/service/author/wait"


@pytest.fixture
def host() -> Iterator[Host]:
    with TemporaryDirectory(prefix="h2o") as directory:
        yield Host(Path(directory))


async def echo(client: Client, outcomes: Counter[Code]) -> bool:
    try:
        await client.call(ECHO, StringValue(value="x"), StringValue)
    except H2OError as error:
        outcomes[error.code] += 1
        return False
    outcomes[Code.OK] += 1
    return True


async def keep_calling(client: Client, stop: asyncio.Event, outcomes: Counter[Code]) -> None:
    while not stop.is_set():
        await echo(client, outcomes)
        await asyncio.sleep(0.001)


# --- the broker dies and comes back -------------------------------------------------------------------


async def test_instances_and_clients_survive_a_killed_broker(host: Host) -> None:
    with host.author() as author, host.broker() as broker:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            outcomes: Counter[Code] = Counter()
            waiting = asyncio.create_task(client.call(WAIT, Duration(seconds=30), Empty, timeout_s=30))
            await host.until_noted("wait started")
            stop = asyncio.Event()
            callers = [asyncio.create_task(keep_calling(client, stop, outcomes)) for _ in range(4)]
            await until(lambda: outcomes[Code.OK] > 20, "calls that succeed")
            killed_s = time.monotonic()
            broker.kill()
            with pytest.raises(H2OError) as caught:
                await waiting
            assert (caught.value.code, caught.value.executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
            assert time.monotonic() - killed_s < 1
            await until(lambda: outcomes[Code.UNAVAILABLE] > 0, "a clear error")
            with host.broker():
                await host.instances(1)
                served = outcomes[Code.OK]
                await until(lambda: outcomes[Code.OK] > served + 20, "calls that succeed again")
                stop.set()
                await asyncio.gather(*callers)
                assert set(outcomes) <= {Code.OK, Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN, Code.NO_ROUTE, Code.NOT_FOUND}
                author.signal(signal.SIGTERM)
                assert await author.exits() == 0


@pytest.mark.parametrize("gap_s", [0.0, 0.7, 2.5])
async def test_an_instance_is_back_within_half_a_second(host: Host, gap_s: float) -> None:
    with host.author():
        with Peer(host.run_dir, incarnation=2) as peer:
            await peer.until(1, "HEARTBEAT")
        await asyncio.sleep(gap_s)  # libzmq tries again ever more rarely: the gap's length must not matter
        with Peer(host.run_dir, incarnation=3) as peer:
            back_s = time.monotonic()
            (_, frame), *_ = await peer.until(1, "REGISTER")
            assert time.monotonic() - back_s < 0.5
            assert Register.FromString(frame.payload).previous == f"{1:032x}"


async def test_answers_for_a_dead_broker_never_reach_the_next(host: Host) -> None:
    """The next broker's correlations start anew: an old answer would be taken for another request's."""
    with host.author() as author:
        with Peer(host.run_dir, incarnation=1) as peer:
            await peer.until(1, "REGISTER")
            ask(peer, 7, WAIT, Duration(nanos=400_000_000), remaining_ms=5000)
            await host.until_noted("wait started")
        with Peer(host.run_dir, incarnation=2) as peer:
            await peer.until(1, "REGISTER")
            ask(peer, 7, ECHO, StringValue(value="new"), remaining_ms=5000)
            ((_, answer),) = await peer.until(1, "ANSWER")
            assert StringValue.FromString(answer.payload).value == "new"
            await asyncio.sleep(0.6)  # the old handler has ended by now
            await peer.until(peer.seen["HEARTBEAT"] + 1, "HEARTBEAT")
            assert peer.seen["ANSWER"] == 1
        author.signal(signal.SIGTERM)
        assert await author.exits() == 0


def ask(peer: Peer, correlation: int, feature: str, request: StringValue | Duration, remaining_ms: int) -> None:
    frame = wire.encode(
        wire.REQUEST,
        correlation=correlation,
        remaining_ms=remaining_ms,
        name=feature.encode(),
        payload=request.SerializeToString(),
    )
    peer.send(peer.instances[-1], frame)


# --- refusals and failures at the start ---------------------------------------------------------------


async def test_a_refused_registration_ends_the_process_with_the_reason(host: Host) -> None:
    with Peer(host.run_dir) as peer:
        failure = Failure(message="1.0.0 is registered with another manifest", hint="give it a new version")
        peer.refusal = failure.SerializeToString()
        with host.author() as author:
            assert await author.exits() == 3
        assert "refused the registration: 1.0.0 is registered with another manifest" in author.output()
        assert "give it a new version" in author.output()
        assert host.noted() == ["opened", "closed"]


async def test_a_failing_start_hook_ends_the_process(host: Host) -> None:
    with Peer(host.run_dir), host.author(AUTHOR_FAILS_TO_START="1") as author:
        assert await author.exits() == 1
        assert "start hook opened failed: ConnectionError('the store is not there')" in author.output()
        assert "Traceback" in author.output()


async def test_a_socket_path_that_can_not_be_ends_the_process(host: Host) -> None:
    with host.author(H2O_BROKER="/run/" + "x" * 120) as author:
        assert await author.exits() == 2
        assert "107" in author.output()


async def test_without_a_broker_it_waits_says_so_and_can_be_stopped(host: Host) -> None:
    with host.author() as author:
        await until(lambda: "waiting for a broker at unix:/" in author.output(), "a word about it")
        assert "h2o dev" in author.output()
        author.signal(signal.SIGTERM)
        assert await author.exits() == 0
        assert host.noted() == []


# --- signals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_leaving_under_load_loses_no_request(host: Host, number: signal.Signals) -> None:
    with host.broker(), host.author() as first, host.author():
        await host.instances(2)
        async with Client(host.endpoint) as client:
            outcomes: Counter[Code] = Counter()
            stop = asyncio.Event()
            callers = [asyncio.create_task(keep_calling(client, stop, outcomes)) for _ in range(16)]
            await until(lambda: outcomes[Code.OK] > 200, "calls that succeed")
            first.signal(number)
            assert await first.exits() == 0
            served = outcomes[Code.OK]
            await until(lambda: outcomes[Code.OK] > served + 200, "calls that succeed")
            stop.set()
            await asyncio.gather(*callers)
        assert set(outcomes) == {Code.OK}
        assert host.noted().count("closed") == 1


async def test_a_running_request_is_finished_before_leaving(host: Host) -> None:
    with host.broker(), host.author() as author:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            for feature in (WAIT, WAIT + "/plain"):
                call = asyncio.create_task(client.call(feature, Duration(nanos=500_000_000), Empty, timeout_s=5))
                started = "plain started" if feature.endswith("plain") else "wait started"
                await host.until_noted(started)
                if feature.endswith("plain"):
                    author.signal(signal.SIGTERM)
                assert await call == Empty()
        assert await author.exits() == 0
        assert host.noted()[-1] == "closed"


async def test_the_grace_ends(host: Host) -> None:
    with host.broker(), host.author(AUTHOR_GRACE_S="0.3") as author:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            call = asyncio.create_task(client.call(WAIT + "/plain", Duration(seconds=30), Empty, timeout_s=60))
            await host.until_noted("plain started")
            author.signal(signal.SIGTERM)
            assert await author.exits() == 0
            with pytest.raises(H2OError) as caught:
                await call
            assert caught.value.code is Code.OUTCOME_UNKNOWN
        assert "with requests still running" in author.output()


async def test_a_second_signal_exits_at_once(host: Host) -> None:
    with host.broker(), host.author() as author:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            call = asyncio.create_task(client.call(WAIT, Duration(seconds=30), Empty, timeout_s=60))
            await host.until_noted("wait started")
            author.signal(signal.SIGTERM)
            await host.instances(0, lambda each: each.state == "ready")
            author.signal(signal.SIGTERM)
            assert await author.exits() == 128 + signal.SIGTERM
            call.cancel()


async def test_even_while_a_handler_holds_the_loop(host: Host) -> None:
    with host.broker(), host.author() as author:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            call = asyncio.create_task(client.call("/service/author/block", Duration(seconds=60), Empty, timeout_s=60))
            await until(lambda: "in block at" in author.output(), "the watchdog's word")
            author.signal(signal.SIGTERM)
            await asyncio.sleep(0.1)
            author.signal(signal.SIGTERM)
            assert await author.exits() == 128 + signal.SIGTERM
            call.cancel()


async def test_a_killed_instance_is_one_clear_answer(host: Host) -> None:
    with host.broker(), host.author() as author:
        await host.instances(1)
        async with Client(host.endpoint) as client:
            call = asyncio.create_task(client.call(WAIT, Duration(seconds=30), Empty, timeout_s=30))
            await host.until_noted("wait started")
            killed_s = time.monotonic()
            author.kill()
            with pytest.raises(H2OError) as caught:
                await call
            assert caught.value.code is Code.OUTCOME_UNKNOWN
            assert time.monotonic() - killed_s < 2


def test_a_child_is_gone_after_its_block(host: Host) -> None:
    with host.author() as author:
        pass
    assert isinstance(author, Child)
    assert author.wait() != 0


async def test_a_broker_that_goes_in_the_moment_of_admission_ends_nobody(host: Host) -> None:
    with host.author() as author:
        for incarnation in range(2, 8):
            with Peer(host.run_dir, incarnation=incarnation) as peer:
                await peer.until(1, "REGISTER")
        with Peer(host.run_dir, incarnation=9) as peer:
            await peer.until(1, "HEARTBEAT")
        author.signal(signal.SIGTERM)
        assert await author.exits() == 0
