"""grpc.aio's client: a generic unary call on one channel over loopback tcp; ``BENCH_AT`` says where."""

from __future__ import annotations

import os

from grpc import aio

from bench.handler import FEATURE, check
from bench.load import TIMEOUT_S, serve
from bench.loops import run
from bench.messages_pb2 import Customer, CustomerId

SERVICE, _, METHOD = FEATURE.strip("/").replace("/", ".").rpartition(".")


async def main() -> None:
    """Serve the bench until it closes standard input."""
    async with aio.insecure_channel(os.environ["BENCH_AT"]) as channel:
        retrieve = channel.unary_unary(f"/{SERVICE}/{METHOD}", CustomerId.SerializeToString, Customer.FromString)

        async def call(request_id: int) -> None:
            check(request_id, await retrieve(CustomerId(id=request_id), timeout=TIMEOUT_S))

        await serve(call)


if __name__ == "__main__":
    run(main())
