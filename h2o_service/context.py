"""Inside a handler: the request that is being handled, and calls without a client at hand."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, TypeVar

from google.protobuf.message import Message

from h2o_core.io.ambient import AMBIENT, Ambient, detached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.io.client import Client
    from h2o_core.priorities import Priority

__all__ = ["CLIENT", "Ambient", "call", "call_sync", "current_request", "detached"]

Reply = TypeVar("Reply", bound=Message)

CLIENT: Final[ContextVar[Client | None]] = ContextVar("h2o_client", default=None)
"""The client of the package that runs here; set before its hooks and handlers."""


def current_request() -> Ambient:
    """The request being handled: its id, trace, caller, sticky key, headers, priority, and the time it has left.

    Raises RuntimeError outside of a handler.
    """
    request = AMBIENT.get()
    if request is None:
        msg = "no request is being handled here; current_request() works inside handlers and what they call"
        raise RuntimeError(msg)
    return request


async def call(
    feature: str,
    request: Message,
    reply_type: type[Reply],
    *,
    timeout_s: float | None = None,
    sticky_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    priority: Priority | None = None,
) -> Reply:
    """`package.client.call` for code that does not know the package it runs in; see `Client.call`."""
    return await _client().call(
        feature, request, reply_type, timeout_s=timeout_s, sticky_key=sticky_key, headers=headers, priority=priority
    )


def call_sync(
    feature: str,
    request: Message,
    reply_type: type[Reply],
    *,
    timeout_s: float | None = None,
    sticky_key: str | None = None,
    headers: Mapping[str, str] | None = None,
    priority: Priority | None = None,
) -> Reply:
    """`package.client.call_sync` for code that does not know the package it runs in; see `Client.call_sync`."""
    return _client().call_sync(
        feature, request, reply_type, timeout_s=timeout_s, sticky_key=sticky_key, headers=headers, priority=priority
    )


def _client() -> Client:
    client = CLIENT.get()
    if client is None:
        msg = "no package runs here; outside of handlers and hooks write `async with Client() as client:`"
        raise RuntimeError(msg)
    return client
