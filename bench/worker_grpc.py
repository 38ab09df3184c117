"""grpc.aio's worker: a generic handler that does the bench's; says in its log which port it got."""

from __future__ import annotations

import grpc
from grpc import aio

from bench.client_grpc import METHOD, SERVICE
from bench.handler import customer
from bench.loops import run
from bench.messages_pb2 import Customer, CustomerId


async def retrieve(request: CustomerId, _context: aio.ServicerContext[CustomerId, Customer]) -> Customer:
    """Answer at once."""
    return customer(request)


async def main() -> None:
    """Answer until killed."""
    server = aio.server()
    method = grpc.unary_unary_rpc_method_handler(retrieve, CustomerId.FromString, Customer.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"listens at 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    run(main())
