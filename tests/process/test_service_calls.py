"""A real broker and a real package: every way a call can go, and the package lives on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.io.client import Client
from h2o_core.pb.registration_pb2 import Check
from h2o_service import Priority
from tests.support.processes import Host

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from google.protobuf.message import Message

    from h2o_core.pb.stats_pb2 import InstanceReport

AUTHOR = "/service/author/"
CALLING = "/orchestration/author/"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with TemporaryDirectory(prefix="h2o") as directory:
        host = Host(Path(directory))
        calling = host.author(AUTHOR_PACKAGE=CALLING.rstrip("/"))
        with host.broker(), host.author(AUTHOR_SLOTS="8"), calling:
            asyncio.run(host.instances(2))
            yield host


async def instance_of(host: Host, package: str) -> InstanceReport:
    (found,) = await host.instances(1, lambda each: each.package == package.rstrip("/"))
    return found


@pytest.fixture
async def client(host: Host) -> AsyncIterator[Client]:
    async with Client(host.endpoint) as client:
        yield client
        # whatever the test did: the package lives on, with all its slots
        assert (await client.call(AUTHOR + "echo", StringValue(value="!"), StringValue)).value == "!"


async def failure(
    client: Client, feature: str, request: Message, reply: type[Message] = StringValue, package: str = AUTHOR
) -> H2OError:
    with pytest.raises(H2OError) as caught:
        await client.call(package + feature, request, reply)
    return caught.value


def text(value: str) -> StringValue:
    return StringValue(value=value)


def lasting(seconds: float) -> Duration:
    return Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9))


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", ["fail", "fail/plain"])
async def test_a_handler_that_raises(client: Client, host: Host, feature: str) -> None:
    error = await failure(client, feature, text("x"))
    assert (error.code, error.executed) == (Code.INTERNAL, Executed.YES)
    assert error.message == "KeyError: 'x'"
    instance = await instance_of(host, AUTHOR)
    assert (error.host, error.instance, error.version) == ("host-1", instance.instance, "1.0.0")
    assert error.at == f"instance {instance.instance[:8]}"
    assert len(error.request_id) == 32
    for part in (f"service/author/{feature}", "host-1", instance.instance[:8], error.request_id):
        assert part in str(error)
    assert error.hint == f"see what it logged: h2o logs {instance.instance[:8]} --grep {error.request_id}"
    assert error.traceback == "", "no host file says dev = true here"


async def test_declared_and_undeclared_application_errors(client: Client) -> None:
    error = await failure(client, "declared", text("customer 7"))
    assert isinstance(error, ApplicationError)
    assert (error.application_code, error.message, error.detail) == ("not_found", "no customer 7", b"detail")
    error = await failure(client, "undeclared", text("x"))
    assert error.code is Code.INTERNAL
    assert "add errors=('surprise',)" in error.message


async def test_replies_of_the_wrong_type(client: Client) -> None:
    error = await failure(client, "nonsense", Empty())
    assert error.code is Code.INTERNAL
    assert "returned google.protobuf.Empty, declared is google.protobuf.StringValue" in error.message
    assert "returned NoneType" in (await failure(client, "nothing", Empty())).message


async def test_types_that_are_not_the_features(client: Client) -> None:
    for request, reply in ((Empty(), StringValue), (text("x"), Empty)):
        error = await failure(client, "echo", request, reply)
        assert (error.code, error.executed) == (Code.BAD_REQUEST, Executed.NO)
        assert "h2o call service/author/echo" in error.hint


async def test_features_that_are_not_there(client: Client) -> None:
    error = await failure(client, "nowhere", Empty())
    for _ in range(100):  # its broker may have only just started
        if error.code is not Code.UNAVAILABLE:
            break
        await asyncio.sleep(0.05)
        error = await failure(client, "nowhere", Empty())
    assert (error.code, error.executed) == (Code.NOT_FOUND, Executed.NO)
    with pytest.raises(H2OError) as caught:
        await client.call("/service/nobody/here", Empty(), Empty)
    assert caught.value.code in {Code.NOT_FOUND, Code.NO_ROUTE}
    assert caught.value.executed is Executed.NO


async def test_oversize_both_ways(client: Client) -> None:
    error = await failure(client, "echo", text("x" * (1 << 20)))
    assert (error.code, error.executed) == (Code.BAD_REQUEST, Executed.NO)
    assert "1,048,5" in error.message
    error = await failure(client, "big", Int64Value(value=1 << 20), BytesValue)
    assert (error.code, error.executed) == (Code.INTERNAL, Executed.YES)
    assert "1,048,6" in error.message
    fits = await client.call(AUTHOR + "big", Int64Value(value=1_040_000), BytesValue)
    assert len(fits.value) == 1_040_000


async def test_a_handler_that_calls_exit_or_cancels_itself(client: Client) -> None:
    assert "SystemExit: no handler should" in (await failure(client, "exit", Empty(), Empty)).message
    assert "cancelled itself" in (await failure(client, "cancel", Empty(), Empty)).message


async def test_asyncio_timeout_works_in_a_handler(client: Client) -> None:
    assert (await failure(client, "timeout", Empty(), Empty)).message == "TimeoutError: "


async def test_a_handler_that_holds_the_loop(client: Client, host: Host) -> None:
    before_s = time.monotonic()
    with pytest.raises(H2OError) as caught:
        await client.call(AUTHOR + "block", lasting(0.8), Empty, timeout_s=0.3)
    assert caught.value.code is Code.TIMEOUT
    assert time.monotonic() - before_s < 0.7

    def warned(instance: InstanceReport) -> bool:
        return any(
            check.name == "event_loop"
            and check.status == Check.Status.WARN
            and "in block at " in check.output
            and "time.sleep" in check.output
            for check in instance.heartbeat.checks
        )

    await host.instances(1, warned)


async def test_uncaught_errors_of_inner_calls_name_the_inner_feature(client: Client) -> None:
    error = await failure(client, "uncaught", text("x"), package=CALLING)
    assert error.code is Code.INTERNAL
    assert "call of service/author/declared inside the handler" in error.message
    assert "errors=('not_found',)" in error.message
    error = await failure(client, "uncaught/nowhere", text("x"), package=CALLING)
    assert error.code is Code.INTERNAL
    assert "call of service/nobody/here inside the handler failed" in error.message


async def test_call_sync_in_a_coroutine_says_to_await(client: Client) -> None:
    error = await failure(client, "sync", Empty(), Struct)
    assert error.code is Code.INTERNAL
    assert "await client.call" in error.message


# --- threads, slots, deadlines ------------------------------------------------------------------------


async def test_plain_handlers_run_in_threads_of_their_own(client: Client) -> None:
    reply = await client.call(AUTHOR + "thread", Empty(), StringValue)
    assert reply.value.startswith("h2o-handler-")


async def test_plain_handlers_fill_the_slots_and_no_more(client: Client) -> None:
    calls = (client.call(AUTHOR + "most", lasting(0.05), Int64Value, timeout_s=10) for _ in range(20))
    assert max(reply.value for reply in await asyncio.gather(*calls)) == 8


async def test_deadlines_end_coroutines_but_not_threads(client: Client, host: Host) -> None:
    with pytest.raises(H2OError) as caught:
        await client.call(AUTHOR + "wait", lasting(5), Empty, timeout_s=0.1)
    assert caught.value.code is Code.TIMEOUT
    await host.until_noted("wait cancelled")
    with pytest.raises(H2OError):
        await client.call(AUTHOR + "wait/plain", lasting(1), Empty, timeout_s=0.1)
    assert (await instance_of(host, AUTHOR)).in_flight == 1  # it keeps its slot
    await host.until_noted("plain ended")
    await host.instances(2, lambda each: each.in_flight == 0)


async def test_cancelling_reaches_the_handler(client: Client, host: Host) -> None:
    host.notes.write_text("")
    call = asyncio.create_task(client.call(AUTHOR + "wait", lasting(5), Empty, timeout_s=10))
    await host.until_noted("wait started")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await host.until_noted("wait cancelled")
    await host.instances(2, lambda each: each.in_flight == 0)


async def test_a_service_calls_nobody_and_is_told_why(client: Client, host: Host) -> None:
    error = await failure(client, "uncaught", text("x"))
    assert "service/author may not call service/author: a service calls nothing" in error.message
    (breach,) = [one for one in (await host.report()).callers if one.breaches]
    assert (breach.caller, breach.feature, breach.breaches) == ("/service/author", "/service/author/declared", 1)


# --- what is carried on -------------------------------------------------------------------------------


@pytest.mark.parametrize("feature", ["seen/inside", "seen/inside/plain", "seen/inside/task"])
async def test_deadline_trace_and_what_travels_reach_the_inner_call(client: Client, host: Host, feature: str) -> None:
    instance = await instance_of(host, CALLING)
    outer = await client.call(AUTHOR + "seen", Empty(), Struct, timeout_s=0.5, sticky_key="customer-7")
    inner = await client.call(
        CALLING + feature,
        Empty(),
        Struct,
        timeout_s=0.5,
        sticky_key="customer-7",
        headers={"x-canary": "yes"},
        priority=Priority.CRITICAL,
    )
    direct, carried = MessageToDict(outer), MessageToDict(inner)
    assert direct["trace_id"] == direct["request_id"]
    assert carried["trace_id"] != carried["request_id"]
    assert carried["trace_id"] in carried["traceparent"]
    assert carried["sticky_key"] == "customer-7"
    assert (direct["headers"], direct["priority"]) == ({}, "NORMAL")
    assert (carried["headers"], carried["priority"]) == ({"x-canary": "yes"}, "CRITICAL")
    assert 0 < carried["remaining_s"] <= 0.5
    assert direct["caller"] in {"", "operator"}
    assert (carried["caller"], carried["caller_instance"]) == ("/orchestration/author", instance.instance)
    assert carried["version"] == "1.0.0"


async def test_call_sync_from_a_plain_thread(client: Client) -> None:
    reply = await asyncio.to_thread(client.call_sync, AUTHOR + "echo", text("hi"), StringValue)
    assert reply.value == "hi"


async def test_many_at_once(client: Client) -> None:
    async def one(number: int) -> str:
        return (await client.call(AUTHOR + "echo", text(str(number)), StringValue, timeout_s=10)).value

    limit = asyncio.Semaphore(20)  # 8 slots and 16 places in the queue

    async def limited(number: int) -> str:
        async with limit:
            return await one(number)

    assert await asyncio.gather(*map(limited, range(400))) == [str(number) for number in range(400)]
    done = [await each for each in asyncio.as_completed([limited(number) for number in range(50)])]
    assert sorted(done) == sorted(str(number) for number in range(50))


# --- what the heartbeat says --------------------------------------------------------------------------


async def test_checks_arrive_with_the_heartbeat(host: Host, client: Client) -> None:
    del client
    instance, _ = await host.instances(2, lambda each: len(each.heartbeat.checks) == 3)
    checks = {each.name: each for each in instance.heartbeat.checks}
    store, disk = checks["store"], checks["disk"]
    assert (store.status, store.severity, store.observed, store.unit) == (
        Check.Status.PASS,
        Check.Severity.PAGE,
        12.5,
        "ms",
    )
    assert (disk.status, disk.severity, disk.output) == (Check.Status.WARN, Check.Severity.TICKET, "92 % full")
    assert abs(store.time_s - time.time()) < 10
