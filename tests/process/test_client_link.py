"""The client against a peer that speaks the frames: answers, losses, deadlines, threads, sizes."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

from h2o_core import envelope as wire
from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.io import link as link_module
from h2o_core.io.ambient import AMBIENT, Ambient, detached
from h2o_core.io.client import Client
from h2o_core.io.clock import monotonic_ns
from h2o_core.pb.answer_pb2 import Failure
from h2o_core.pb.stats_pb2 import Ask, BrokerReport
from tests.support.peer import Peer, echo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterator

    from h2o_core.envelope import Frame

SAY = "/service/echo/say"


@pytest.fixture
def run_dir() -> Iterator[Path]:
    with TemporaryDirectory(prefix="h2o") as directory:  # tmp_path can be longer than a socket's 107 bytes
        yield Path(directory)


@pytest.fixture
async def peer(run_dir: Path) -> AsyncIterator[Peer]:
    with Peer(run_dir) as peer:
        peer.serve = echo
        yield peer


@pytest.fixture
async def client(peer: Peer) -> AsyncIterator[Client]:
    async with Client(peer.endpoint, program="test") as client:
        yield client


def hi(text: str = "hi") -> StringValue:
    return StringValue(value=text)


async def say(client: Client, text: str = "hi", timeout_s: float | None = None) -> str:
    return (await client.call(SAY, hi(text), StringValue, timeout_s=timeout_s)).value


# --- answers ------------------------------------------------------------------------------------------


async def test_a_call_and_what_its_frame_says(client: Client, peer: Peer) -> None:
    assert await say(client) == "hi"
    (_, frame), *_ = await peer.until(1, "REQUEST")
    assert frame.name == SAY.encode()
    assert frame.types == wire.types_hash("google.protobuf.StringValue", "google.protobuf.StringValue")
    assert 0 < frame.remaining_ms <= 1000
    assert (frame.code, frame.route) == (0, b"")
    fields = wire.decode_fields(frame.fields)
    parent = fields[wire.TAG_TRACEPARENT]
    assert len(parent) == 26
    assert parent[1:17] == fields[wire.TAG_REQUEST_ID]
    assert client.welcome is not None
    assert client.welcome.host == "host-1"


async def test_many_at_once_and_request_ids_differ(client: Client, peer: Peer) -> None:
    texts = [str(number) for number in range(500)]
    assert await asyncio.gather(*(say(client, text) for text in texts)) == texts
    ids = {wire.decode_fields(frame.fields)[wire.TAG_REQUEST_ID] for _, frame in await peer.until(500, "REQUEST")}
    assert len(ids) == 500


async def test_more_than_may_be_on_the_way_wait_their_turn(
    client: Client, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "MAX_SENT", 10)
    held: list[tuple[bytes, Frame]] = []
    peer.serve = lambda _peer, who, frame: held.append((who, frame))
    calls = asyncio.gather(*(say(client, str(number)) for number in range(35)))
    await peer.until(10, "REQUEST")
    await asyncio.sleep(0.05)
    assert len(held) == 10
    peer.serve = echo
    for who, frame in held:
        echo(peer, who, frame)
    assert await calls == [str(number) for number in range(35)]


async def test_errors_carry_where_and_what_to_type(client: Client, peer: Peer) -> None:
    def fail(peer: Peer, who: bytes, frame: Frame) -> None:
        tail = wire.encode_answer_route_tail("1.4.2", "ab" * 16, "host-7")
        failure = Failure(message="KeyError: 'x'", at="instance abababab")
        answer = wire.encode(
            wire.ANSWER,
            flags=Executed.YES,
            code=Code.INTERNAL,
            correlation=frame.correlation,
            route=wire.encode_answer_route(1, 0, 0, 64, 0, tail),
            payload=failure.SerializeToString(),
        )
        peer.send(who, answer)

    peer.serve = fail
    with pytest.raises(H2OError) as caught:
        await say(client)
    error = caught.value
    assert (error.code, error.executed) == (Code.INTERNAL, Executed.YES)
    assert (error.host, error.version, error.feature) == ("host-7", "1.4.2", SAY)
    assert len(error.request_id) == 32
    assert "KeyError: 'x'" in str(error)
    assert f"h2o logs abababab --grep {error.request_id}" in str(error)


async def test_declared_outcomes_arrive_as_application_errors(client: Client, peer: Peer) -> None:
    failure = Failure(application_code="not_found", message="no customer 7", detail=b"d").SerializeToString()
    peer.serve = lambda peer, who, frame: peer.reply(who, frame, wire.ANSWER, failure, code=Code.APPLICATION)
    with pytest.raises(ApplicationError, match="no customer 7") as caught:
        await say(client)
    assert caught.value.application_code == "not_found"
    assert caught.value.detail == b"d"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x01\x0a",
        bytes((1, wire.ANSWER, 0, 0)) + b"\xff" * 40,
        b"\x01",
        b"",
        bytes((9, 99, 0, 0)) + bytes(40),
        wire.encode(wire.PONG, payload=b"short"),
        wire.encode(wire.WELCOME, correlation=5, payload=b"\xff\xff"),
        wire.encode(wire.REGISTERED, correlation=99),
        wire.encode(wire.REQUEST, correlation=99),
        wire.encode(wire.CANCEL, correlation=99),
    ],
)
async def test_garbage_from_the_broker_harms_nothing(client: Client, peer: Peer, garbage: bytes) -> None:
    def first_garbage(peer: Peer, who: bytes, frame: Frame) -> None:
        peer.send(who, garbage)
        echo(peer, who, frame)

    peer.serve = first_garbage
    assert await say(client) == "hi"
    assert await say(client) == "hi"


async def test_an_answer_that_is_no_frame_and_a_reply_of_another_type(client: Client, peer: Peer) -> None:
    def broken(peer: Peer, who: bytes, frame: Frame) -> None:
        peer.send(who, bytes((1, wire.ANSWER, 2, 0)) + frame.correlation.to_bytes(4, "big") + b"\xff" * 8)

    peer.serve = broken
    with pytest.raises(H2OError, match="can't be read") as caught:
        await say(client)
    assert caught.value.code is Code.OUTCOME_UNKNOWN
    peer.serve = lambda peer, who, frame: peer.reply(who, frame, wire.ANSWER, b"\xff\xff\xff")
    with pytest.raises(H2OError, match=r"not a google\.protobuf\.StringValue") as caught:
        await say(client)
    assert (caught.value.code, caught.value.executed) == (Code.INTERNAL, Executed.YES)


async def test_ask(client: Client, peer: Peer) -> None:
    asked = asyncio.create_task(client.ask(Ask(what=Ask.REPORT)))
    (who, frame), *_ = await peer.until(1, "ASK")
    peer.reply(who, frame, wire.TOLD, BrokerReport(host="host-1").SerializeToString())
    assert BrokerReport.FromString(await asked).host == "host-1"
    asked = asyncio.create_task(client.ask(Ask(what=Ask.MANIFEST, package="/service/nobody")))
    (who, frame) = (await peer.until(2, "ASK"))[-1]
    failure = Failure(message="no such package").SerializeToString()
    peer.reply(who, frame, wire.ANSWER, failure, code=Code.NOT_FOUND, executed=1)
    with pytest.raises(H2OError, match="no such package") as caught:
        await asked
    assert caught.value.code is Code.NOT_FOUND


# --- refused before anything is sent ------------------------------------------------------------------


async def test_what_can_not_be_sent_is_refused_here(client: Client, peer: Peer) -> None:
    big = BytesValue(value=b"x" * (1 << 20))
    cases: list[tuple[Coroutine[None, None, object], str]] = [
        (client.call(SAY, big, StringValue), "1,048,5.. bytes"),
        (client.call("/service/echo", hi(), StringValue), "not of the form"),
        (client.call("/nowhere/echo/say", hi(), StringValue), "the tiers are"),
        (client.call(SAY, {"id": 1}, StringValue), "is a dict, not a protobuf"),  # pyright: ignore[reportArgumentType]
        (client.call(SAY, hi(), hi()), "has to be the class"),  # pyright: ignore[reportArgumentType]
        (client.call(SAY, hi(), str), "has to be the class"),  # pyright: ignore[reportArgumentType]
        (client.call(SAY, hi(), StringValue, sticky_key="k" * 2000), "sticky key has 2000 bytes"),
    ]
    for call, sentence in cases:
        with pytest.raises(H2OError, match=sentence) as caught:
            await call
        assert (caught.value.code, caught.value.executed) == (Code.BAD_REQUEST, Executed.NO)
    with pytest.raises(H2OError, match="leaves no time") as caught:
        await say(client, timeout_s=0)
    assert (caught.value.code, caught.value.executed) == (Code.TIMEOUT, Executed.NO)
    assert await say(client) == "hi"
    assert peer.seen["REQUEST"] == 1


async def test_the_largest_request_leaves_room_for_the_brokers(client: Client, peer: Peer) -> None:
    fits = BytesValue(value=b"x" * (wire.MAX_FRAME_BYTES - 1300))
    peer.serve = echo
    assert (await client.call(SAY, fits, BytesValue)).value == fits.value
    (_, frame), *_ = await peer.until(1, "REQUEST")
    size = wire.HEADER_BYTES + len(frame.name) + len(frame.fields) + len(frame.payload)
    assert size + 1024 <= wire.MAX_FRAME_BYTES


# --- deadlines and cancellation -----------------------------------------------------------------------


async def test_the_client_gives_up_50_ms_after_the_deadline_and_cancels(client: Client, peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    before_s = time.monotonic()
    with pytest.raises(H2OError, match="within the deadline") as caught:
        await say(client, timeout_s=0.1)
    took_s = time.monotonic() - before_s
    assert (caught.value.code, caught.value.executed) == (Code.TIMEOUT, Executed.UNKNOWN)
    assert 0.15 <= took_s < 1
    (_, cancel), *_ = await peer.until(1, "CANCEL")
    (_, request), *_ = await peer.until(1, "REQUEST")
    assert cancel.correlation == request.correlation


async def test_deadlines_of_many_calls_each_hold(client: Client, peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None

    async def one(timeout_s: float) -> float:
        before_s = time.monotonic()
        with pytest.raises(H2OError):
            await say(client, timeout_s=timeout_s)
        return time.monotonic() - before_s - timeout_s

    overdue_s = await asyncio.gather(*(one(0.3 - number / 500) for number in range(100)))
    assert min(overdue_s) >= 0.049
    assert max(overdue_s) < 0.5


async def test_an_answer_that_is_there_beats_the_clock(client: Client, peer: Peer) -> None:
    """A caller that blocks its own loop past the deadline still gets what had arrived."""
    call = asyncio.create_task(say(client, timeout_s=0.1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # sent
    ((who, frame),) = await peer.until(1, "REQUEST")
    del who, frame  # the peer has answered within its read
    time.sleep(0.3)  # noqa: ASYNC251 - this is the point
    assert await call == "hi"


async def test_cancelling_the_task_cancels_the_call(client: Client, peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    call = asyncio.create_task(say(client))
    (who, request), *_ = await peer.until(1, "REQUEST")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    (_, cancel), *_ = await peer.until(1, "CANCEL")
    assert cancel.correlation == request.correlation
    peer.reply(who, request, wire.ANSWER, b"")  # late: dropped
    peer.serve = echo
    assert await say(client) == "hi"


async def test_timeout_context_cancels_too(client: Client, peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await say(client)
    await peer.until(1, "CANCEL")


# --- the broker's absence and death -------------------------------------------------------------------


async def test_no_broker_says_what_to_start(run_dir: Path) -> None:
    client = Client(f"unix:{run_dir}/broker.sock", connect_timeout_s=0.2)
    with pytest.raises(H2OError, match="no broker answers at unix:") as caught:
        await client.__aenter__()
    assert (caught.value.code, caught.value.executed) == (Code.UNAVAILABLE, Executed.NO)
    assert "h2o dev" in caught.value.hint


async def test_what_was_sent_ends_as_unknown_what_was_not_as_unavailable(run_dir: Path) -> None:
    with Peer(run_dir) as peer:
        client = await Client(peer.endpoint).__aenter__()
        calls = [asyncio.create_task(say(client, timeout_s=30)) for _ in range(20)]
        await peer.until(20, "REQUEST")
    before_s = time.monotonic()
    for call in calls:
        with pytest.raises(H2OError) as caught:
            await call
        assert (caught.value.code, caught.value.executed) == (Code.OUTCOME_UNKNOWN, Executed.UNKNOWN)
    assert time.monotonic() - before_s < 1
    with pytest.raises(H2OError, match="nothing was sent") as caught:
        await say(client, timeout_s=30)
    assert (caught.value.code, caught.value.executed) == (Code.UNAVAILABLE, Executed.NO)
    assert time.monotonic() - before_s < 2
    await client.__aexit__()


async def test_service_goes_on_when_the_broker_is_back(run_dir: Path) -> None:
    with Peer(run_dir, incarnation=1) as peer:
        client = await Client(peer.endpoint).__aenter__()
        peer.serve = echo
        assert await say(client) == "hi"
    with Peer(run_dir, incarnation=2) as peer:
        peer.serve = echo
        codes: set[Code] = set()
        async with asyncio.timeout(10):
            while Code.OK not in codes:
                try:
                    await say(client)
                    codes.add(Code.OK)
                except H2OError as error:
                    codes.add(error.code)
        assert codes <= {Code.OK, Code.UNAVAILABLE, Code.OUTCOME_UNKNOWN}
    await client.__aexit__()


async def test_a_call_waits_a_moment_for_a_broker_that_is_just_coming(run_dir: Path) -> None:
    with Peer(run_dir, incarnation=1) as peer:
        client = await Client(peer.endpoint).__aenter__()
    await asyncio.sleep(0.06)  # the loss has been noticed; the next call meets nobody
    call = asyncio.create_task(say(client))
    await asyncio.sleep(0.02)
    with Peer(run_dir, incarnation=2) as peer:
        peer.serve = echo
        assert await call == "hi"
    await client.__aexit__()


async def test_another_incarnation_ends_what_the_former_was_given(client: Client, peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    call = asyncio.create_task(say(client, timeout_s=30))
    (who, _), *_ = await peer.until(1, "REQUEST")
    peer.incarnation = 2
    peer.send(who, wire.encode(wire.PING, payload=wire.PING_BODY.pack(2, 1)))
    with pytest.raises(H2OError, match="restarted") as caught:
        await call
    assert caught.value.code is Code.OUTCOME_UNKNOWN


async def test_a_mute_broker_costs_the_deadline_no_more(client: Client, peer: Peer) -> None:
    peer.mute = True
    with pytest.raises(H2OError) as caught:
        await say(client, timeout_s=0.5)
    assert caught.value.code is Code.TIMEOUT


async def test_closing_ends_what_is_in_flight(peer: Peer) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    async with Client(peer.endpoint) as client:
        call = asyncio.create_task(say(client, timeout_s=30))
        await peer.until(1, "REQUEST")
    with pytest.raises(H2OError, match="closed") as caught:
        await call
    assert caught.value.code is Code.OUTCOME_UNKNOWN
    with pytest.raises(RuntimeError, match="async with Client"):
        await say(client)


# --- threads ------------------------------------------------------------------------------------------


async def test_call_sync_in_a_thread(client: Client) -> None:
    reply = await asyncio.to_thread(client.call_sync, SAY, hi(), StringValue)
    assert reply.value == "hi"


async def test_many_threads_share_a_client(client: Client) -> None:
    results: list[str] = []

    def work(name: str) -> None:
        results.extend(client.call_sync(SAY, hi(f"{name}{number}"), StringValue).value for number in range(50))

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))
    assert sorted(results) == sorted(f"{name}{number}" for name in "abcd" for number in range(50))


async def test_call_sync_in_a_coroutine_says_to_await(client: Client) -> None:
    with pytest.raises(RuntimeError, match=r"await client\.call"):
        client.call_sync(SAY, hi(), StringValue)
    with pytest.raises(RuntimeError, match="async with Client"), Client():
        pass


async def test_a_client_in_a_thread_of_its_own(peer: Peer) -> None:
    def work() -> tuple[str, str, Code]:
        with Client(peer.endpoint) as client:
            sync = client.call_sync(SAY, hi(), StringValue).value
            elsewhere = asyncio.run(say(client, "from another loop"))
            peer.serve = lambda _peer, _who, _frame: None
            with pytest.raises(H2OError) as caught:
                client.call_sync(SAY, hi(), StringValue, timeout_s=0.05)
            return sync, elsewhere, caught.value.code

    assert await asyncio.to_thread(work) == ("hi", "from another loop", Code.TIMEOUT)
    await peer.until(1, "CANCEL")


async def test_a_blocked_loop_is_named(peer: Peer, client: Client) -> None:
    peer.serve = lambda _peer, _who, _frame: None
    outcome: list[H2OError] = []

    def work() -> None:
        with pytest.raises(H2OError) as caught:
            client.call_sync(SAY, hi(), StringValue, timeout_s=0.01)
        outcome.append(caught.value)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)  # blocks the loop that owns the socket: the mistake that is to be named
    assert "was it blocked" in outcome[0].message


# --- what a handler passes on -------------------------------------------------------------------------


def ambient(left_ms: int, sticky: bytes = b"") -> Ambient:
    fields = {wire.TAG_REQUEST_ID: b"r" * 16, wire.TAG_TRACEPARENT: b"\0" + b"t" * 16 + b"s" * 8 + b"\1"}
    if sticky:
        fields[wire.TAG_STICKY_KEY] = sticky
    return Ambient("/service/a/b", wire.encode_fields(fields), b"", monotonic_ns() + left_ms * 1_000_000)


async def test_deadline_trace_and_sticky_key_are_carried_on(client: Client, peer: Peer) -> None:
    token = AMBIENT.set(ambient(200, b"customer-7"))
    await client.call(SAY, hi(), StringValue, timeout_s=10)
    await client.call(SAY, hi(), StringValue, timeout_s=0.05, sticky_key="other")
    await client.call(SAY, hi(), StringValue, sticky_key="")
    with detached():
        await client.call(SAY, hi(), StringValue, timeout_s=5)
    AMBIENT.reset(token)
    first, second, third, outside = [frame for _, frame in await peer.until(4, "REQUEST")]
    carried = wire.decode_fields(first.fields)
    assert carried[wire.TAG_TRACEPARENT][1:17] == b"t" * 16
    assert carried[wire.TAG_TRACEPARENT][17:25] != b"s" * 8
    assert carried[wire.TAG_TRACEPARENT][25] == 1
    assert carried[wire.TAG_STICKY_KEY] == b"customer-7"
    assert carried[wire.TAG_REQUEST_ID] != b"r" * 16
    assert 150 < first.remaining_ms <= 200
    assert second.remaining_ms <= 50
    assert wire.decode_fields(second.fields)[wire.TAG_STICKY_KEY] == b"other"
    assert wire.TAG_STICKY_KEY not in wire.decode_fields(third.fields)
    assert outside.remaining_ms > 4000
    assert wire.decode_fields(outside.fields)[wire.TAG_TRACEPARENT][1:17] != b"t" * 16


async def test_nothing_left_is_nothing_sent(client: Client, peer: Peer) -> None:
    token = AMBIENT.set(ambient(-1))
    with pytest.raises(H2OError, match="no time left") as caught:
        await client.call(SAY, Int64Value(value=1), Duration)
    AMBIENT.reset(token)
    assert (caught.value.code, caught.value.executed) == (Code.TIMEOUT, Executed.NO)
    assert peer.seen["REQUEST"] == 0
