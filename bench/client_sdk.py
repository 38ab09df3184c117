"""Our client, as a package author would use it; with ``BENCH_BYPASS`` straight to zmq.proxy (bench.bypass)."""

from __future__ import annotations

import os

from bench import bypass
from bench.handler import FEATURE, check
from bench.load import TIMEOUT_S, serve
from bench.loops import run
from bench.messages_pb2 import Customer, CustomerId
from h2o_service import Client


async def main() -> None:
    """Serve the bench until it closes standard input."""
    async with Client() as client:

        async def call(request_id: int) -> None:
            check(request_id, await client.call(FEATURE, CustomerId(id=request_id), Customer, timeout_s=TIMEOUT_S))

        await serve(call)


if __name__ == "__main__":
    if os.environ.get("BENCH_BYPASS"):
        bypass.client()
    run(main())
