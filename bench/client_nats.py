"""NATS' client: nats-py request/reply over loopback tcp; ``NATS_PORT`` says where."""

from __future__ import annotations

import os

import nats

from bench.handler import FEATURE, check
from bench.load import TIMEOUT_S, serve
from bench.loops import run
from bench.messages_pb2 import Customer, CustomerId

SUBJECT = FEATURE.strip("/").replace("/", ".")


async def main() -> None:
    """Serve the bench until it closes standard input."""
    connection = await nats.connect(f"nats://127.0.0.1:{os.environ['NATS_PORT']}")  # pyright: ignore[reportUnknownMemberType] - nats-py's **options

    async def call(request_id: int) -> None:
        message = await connection.request(SUBJECT, CustomerId(id=request_id).SerializeToString(), timeout=TIMEOUT_S)
        check(request_id, Customer.FromString(message.data))

    await serve(call)
    await connection.close()


if __name__ == "__main__":
    run(main())
