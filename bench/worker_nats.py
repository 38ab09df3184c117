"""NATS' worker: a subscription whose callback does the bench's handler; ``NATS_PORT`` says where.

``NATS_QUEUE`` is the queue group it shares requests with, if any.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import nats

from bench.client_nats import SUBJECT
from bench.handler import customer
from bench.loops import run
from bench.messages_pb2 import CustomerId

if TYPE_CHECKING:
    from nats.aio.msg import Msg


async def main() -> None:
    """Answer until killed."""
    connection = await nats.connect(f"nats://127.0.0.1:{os.environ['NATS_PORT']}")  # pyright: ignore[reportUnknownMemberType] - nats-py's **options

    async def answer(message: Msg) -> None:
        reply = customer(CustomerId.FromString(message.data))
        await message.respond(reply.SerializeToString())

    queue = os.environ.get("NATS_QUEUE", "")
    await connection.subscribe(SUBJECT, queue, answer)  # pyright: ignore[reportUnknownMemberType] - nats-py's future
    await connection.flush()
    print("subscribed", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    run(main())
