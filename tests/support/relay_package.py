"""orchestration/relay: hands what it is asked on to service/echo, as packages call one another."""

from __future__ import annotations

from google.protobuf.wrappers_pb2 import StringValue

from h2o_service import Package

package = Package("/orchestration/relay", version="1.0.0")


@package.feature("say")
async def say(request: StringValue) -> StringValue:
    """Whatever service/echo says."""
    return await package.client.call("/service/echo/say", request, StringValue)


if __name__ == "__main__":
    package.run()
