"""What a running request passes on to the calls made inside it: deadline, trace, sticky key.

The server sets `AMBIENT` for each handler; the client reads it for each call. A context variable, so it
follows the handler into tasks and, where the server hands it on, into threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from h2o_core.envelope import (
    TAG_REQUEST_ID,
    TAG_STICKY_KEY,
    TAG_TRACEPARENT,
    MalformedFrame,
    RequestRoute,
    decode_fields,
    decode_request_route,
)
from h2o_core.io.clock import monotonic_ns

if TYPE_CHECKING:
    from collections.abc import Generator

TRACEPARENT_BYTES: Final = 26
_NO_ROUTE: Final = RequestRoute(0, "", "", "", "", "")


class Ambient:
    """One request as its handler sees it. Fields and route are parsed only when somebody asks."""

    __slots__ = ("_fields", "_parsed", "_route", "deadline_ns", "feature")

    def __init__(self, feature: str, fields: bytes, route: bytes, deadline_ns: int) -> None:
        """Raw blocks of the REQUEST frame; *deadline_ns* on the monotonic clock."""
        self.feature = feature
        """The feature that was called: ``/service/customer/retrieve``."""
        self.deadline_ns = deadline_ns
        self._fields = fields
        self._route = route
        self._parsed: dict[int, bytes] | None = None

    def field(self, tag: int) -> bytes:
        """The optional field's value, b"" when it is absent or the block is malformed."""
        parsed = self._parsed
        if parsed is None:
            try:
                parsed = decode_fields(self._fields)
            except MalformedFrame:
                parsed = {}
            self._parsed = parsed
        return parsed.get(tag, b"")

    def remaining_s(self) -> float:
        """Seconds until the deadline, never below 0."""
        return max(self.deadline_ns - monotonic_ns(), 0) / 1_000_000_000

    @property
    def request_id(self) -> str:
        """32 hex digits, "" when the caller sent none."""
        return self.field(TAG_REQUEST_ID).hex()

    @property
    def trace_id(self) -> bytes:
        """The trace's 16 bytes; the request id stands in when there is no traceparent."""
        parent = self.field(TAG_TRACEPARENT)
        return parent[1:17] if len(parent) == TRACEPARENT_BYTES else self.field(TAG_REQUEST_ID)

    @property
    def trace_flags(self) -> int:
        """The traceparent's flags, 0 without one."""
        parent = self.field(TAG_TRACEPARENT)
        return parent[25] if len(parent) == TRACEPARENT_BYTES else 0

    @property
    def traceparent(self) -> str:
        """W3C's text form of the caller's span, "" when the caller sent none."""
        parent = self.field(TAG_TRACEPARENT)
        if len(parent) != TRACEPARENT_BYTES:
            return ""
        return f"{parent[0]:02x}-{parent[1:17].hex()}-{parent[17:25].hex()}-{parent[25]:02x}"

    @property
    def sticky_key(self) -> str:
        """What the caller wants to be kept together by, "" for nothing."""
        return self.field(TAG_STICKY_KEY).decode(errors="replace")

    @property
    def route(self) -> RequestRoute:
        """Who calls, and which instance was meant; empty strings when the broker did not say."""
        try:
            return decode_request_route(self._route)
        except MalformedFrame:
            return _NO_ROUTE


AMBIENT: Final[ContextVar[Ambient | None]] = ContextVar("h2o_ambient", default=None)


@contextmanager
def detached() -> Generator[None]:
    """Calls made, and tasks started, in this block don't end with the request that runs now.

    For work that outlives its request: without this its calls would fail at the request's deadline.
    """
    token = AMBIENT.set(None)
    try:
        yield
    finally:
        AMBIENT.reset(token)
