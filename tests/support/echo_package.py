"""service/echo: a package for tests. It answers, is slow, refuses, fails and dies as it is asked to."""

from __future__ import annotations

import asyncio
import os
from zlib import crc32

from google.protobuf.duration_pb2 import Duration
from google.protobuf.wrappers_pb2 import StringValue

from h2o_service import ApplicationError, Package

FAILS = int(os.environ.get("ECHO_FAILS", "0"))
"""Per cent of what is said that this version can't take; which, depends on what is said alone."""
package = Package(
    "/service/echo",
    version=os.environ.get("ECHO_VERSION", "1.0.0"),
    min_available=int(os.environ.get("ECHO_MIN_AVAILABLE", "0")),
)


@package.feature("say", idempotent=True, mean_ms=1, upper95_ms=5)
async def say(request: StringValue) -> StringValue:
    """The same back."""
    if crc32(request.value.encode()) % 100 < FAILS:
        raise RuntimeError(request.value)
    return request


@package.feature("count")
async def count(request: StringValue) -> StringValue:
    """As `say`, for the one test that counts: nobody else calls it."""
    return request


@package.feature("wait")
async def wait(request: Duration) -> StringValue:
    """Answer after that time."""
    await asyncio.sleep(request.ToTimedelta().total_seconds())
    return StringValue(value="waited")


@package.feature("refuse", errors=["refused"])
async def refuse(request: StringValue) -> StringValue:
    """A declared outcome."""
    code = "refused"
    raise ApplicationError(code, request.value)


@package.feature("fail")
async def fail(request: StringValue) -> StringValue:
    """A bug."""
    raise RuntimeError(request.value)


@package.feature("die")
async def die(_request: StringValue) -> StringValue:
    """The process is gone before it answers."""
    os._exit(3)


if __name__ == "__main__":
    package.run()
