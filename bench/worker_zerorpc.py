"""zerorpc's worker: a server whose method does the bench's handler, bytes in and bytes out; binds ``BENCH_AT``."""

from __future__ import annotations

import os

import zerorpc

from bench.client_zerorpc import METHOD
from bench.handler import customer
from bench.messages_pb2 import CustomerId


def retrieve(request: bytes) -> bytes:
    """Answer at once."""
    return customer(CustomerId.FromString(request)).SerializeToString()


def main() -> None:
    """Answer until killed."""
    server = zerorpc.Server({METHOD: retrieve})
    server.bind(os.environ["BENCH_AT"])
    print("listens", flush=True)
    server.run()


if __name__ == "__main__":
    main()
