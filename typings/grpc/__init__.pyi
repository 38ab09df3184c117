from collections.abc import Callable, Mapping
from typing import Any

from grpc import aio as aio

class RpcMethodHandler: ...
class GenericRpcHandler: ...

def unary_unary_rpc_method_handler(
    behavior: Callable[..., Any],
    request_deserializer: Callable[[bytes], Any] | None = ...,
    response_serializer: Callable[[Any], bytes] | None = ...,
) -> RpcMethodHandler: ...
def method_handlers_generic_handler(
    service: str, method_handlers: Mapping[str, RpcMethodHandler]
) -> GenericRpcHandler: ...
