"""A package with a feature for each thing a handler can do wrong; `python -m tests.support.author` runs it."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from pathlib import Path

from google.protobuf.duration_pb2 import Duration
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from google.protobuf.wrappers_pb2 import BytesValue, Int64Value, StringValue

from h2o_service import ApplicationError, CheckWarning, Package, Reading, call, current_request

package = Package(
    os.environ.get("AUTHOR_PACKAGE", "/service/author"),
    version=os.environ.get("AUTHOR_VERSION", "1.0.0"),
    slots=int(os.environ.get("AUTHOR_SLOTS", "64")),
)
INNER = "/service/author"
"""Whom its handlers call: not itself, which no tier may."""
NOTES = os.environ.get("AUTHOR_NOTES", "")
running = 0
most = 0


def note(text: str) -> None:
    if NOTES:
        with Path(NOTES).open("a") as file:
            file.write(text + "\n")


def seconds(duration: Duration) -> float:
    return duration.seconds + duration.nanos / 1e9


@package.on_start
async def opened() -> None:
    note("opened")
    if os.environ.get("AUTHOR_FAILS_TO_START"):
        msg = "the store is not there"
        raise ConnectionError(msg)


@package.on_stop
def closed() -> None:
    note("closed")


@package.check("store", interval_s=0.2, severity="page")
async def store() -> Reading:
    return Reading(12.5, "ms")


@package.check("disk", interval_s=0.2)
def disk() -> None:
    msg = "92 % full"
    raise CheckWarning(msg)


@package.feature("echo", idempotent=True, mean_ms=1, upper95_ms=5)
async def echo(request: StringValue) -> StringValue:
    return request


@package.feature("thread")
def thread(request: Empty) -> StringValue:
    del request
    return StringValue(value=threading.current_thread().name)


@package.feature("most")
def how_many(request: Duration) -> Int64Value:
    """How many of these ran at the same time."""
    global running, most  # noqa: PLW0603 - the handlers of a test
    running += 1
    most = max(most, running)
    time.sleep(seconds(request))
    running -= 1
    return Int64Value(value=most)


@package.feature("fail")
async def fail(request: StringValue) -> StringValue:
    raise KeyError(request.value)


@package.feature("fail/plain")
def fail_plain(request: StringValue) -> StringValue:
    raise KeyError(request.value)


@package.feature("declared", errors=("not_found",))
async def declared(request: StringValue) -> StringValue:
    raise ApplicationError("not_found", f"no {request.value}", detail=b"detail")


@package.feature("undeclared", errors=("not_found",))
async def undeclared(request: StringValue) -> StringValue:
    raise ApplicationError("surprise", request.value)


@package.feature("nonsense")
async def nonsense(request: Empty) -> StringValue:
    return request  # pyright: ignore[reportReturnType] - the mistake that is to be told


@package.feature("nothing")
async def nothing(request: Empty) -> StringValue:
    del request
    return None  # pyright: ignore[reportReturnType] - as above


@package.feature("big")
async def big(request: Int64Value) -> BytesValue:
    return BytesValue(value=b"x" * request.value)


@package.feature("block")
async def block(request: Duration) -> Empty:
    time.sleep(seconds(request))  # noqa: ASYNC251 - the mistake that is to be told
    return Empty()


@package.feature("wait")
async def wait(request: Duration) -> Empty:
    note("wait started")
    try:
        await asyncio.sleep(seconds(request))
    except asyncio.CancelledError:
        note("wait cancelled")
        raise
    return Empty()


@package.feature("wait/plain")
def wait_plain(request: Duration) -> Empty:
    note("plain started")
    time.sleep(seconds(request))
    note("plain ended")
    return Empty()


@package.feature("exit")
async def leave(request: Empty) -> Empty:
    del request
    sys.exit("no handler should")


@package.feature("cancel")
async def cancel(request: Empty) -> Empty:
    del request
    raise asyncio.CancelledError


@package.feature("timeout")
async def timeout(request: Empty) -> Empty:
    """asyncio.timeout works, so the handler runs in a task of its own."""
    async with asyncio.timeout(0.02):
        await asyncio.sleep(5)
    return request


def seen() -> Struct:
    request = current_request()
    struct = Struct()
    struct.update(
        {
            "feature": request.feature,
            "request_id": request.request_id,
            "trace_id": request.trace_id.hex(),
            "traceparent": request.traceparent,
            "sticky_key": request.sticky_key,
            "headers": request.headers,
            "priority": request.priority.name,
            "remaining_s": request.remaining_s(),
            "caller": request.route.caller,
            "caller_instance": request.route.caller_instance,
            "version": request.route.version,
        }
    )
    return struct


@package.feature("seen")
async def seen_here(request: Empty) -> Struct:
    del request
    return seen()


@package.feature("seen/inside")
async def seen_inside(request: Empty) -> Struct:
    """What a call made by a handler looks like to the next one; asked for more time than there is."""
    return await package.client.call(f"{INNER}/seen", request, Struct, timeout_s=60)


@package.feature("seen/inside/plain")
def seen_inside_plain(request: Empty) -> Struct:
    return package.client.call_sync(f"{INNER}/seen", request, Struct, timeout_s=60)


@package.feature("seen/inside/task")
async def seen_inside_task(request: Empty) -> Struct:
    return await asyncio.create_task(call(f"{INNER}/seen", request, Struct))


@package.feature("sync")
async def sync(request: Empty) -> Struct:
    return package.client.call_sync(f"{INNER}/seen", request, Struct)


@package.feature("uncaught")
async def uncaught(request: StringValue) -> StringValue:
    return await call(f"{INNER}/declared", request, StringValue)


@package.feature("uncaught/nowhere")
async def nowhere(request: StringValue) -> StringValue:
    return await call("/service/nobody/here", request, StringValue)


if __name__ == "__main__":
    package.run(grace_s=float(os.environ.get("AUTHOR_GRACE_S", "10")))
