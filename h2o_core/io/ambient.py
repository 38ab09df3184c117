"""What a running request passes on to the calls made inside it: deadline, trace, and what travels with its tree.

The server sets `AMBIENT` for each handler; the client reads it for each call. A context variable, so it
follows the handler into tasks and, where the server hands it on, into threads.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final

from h2o_core.baggage import MOST_HEADERS_BYTES, decode_headers, with_assignment
from h2o_core.envelope import (
    REQUEST_ASSIGNED,
    TAG_ASSIGNMENT,
    TAG_HEADERS,
    TAG_PRIORITY,
    TAG_REQUEST_ID,
    TAG_STICKY_KEY,
    TAG_TRACEPARENT,
    MalformedFrame,
    RequestRoute,
    decode_fields,
    decode_request_route,
    encode_fields,
)
from h2o_core.io.clock import monotonic_ns
from h2o_core.names import package_of
from h2o_core.priorities import Priority, priority_of

if TYPE_CHECKING:
    from collections.abc import Generator

TRACEPARENT_BYTES: Final = 26
_NO_ROUTE: Final = RequestRoute(0, "", "", "", "", "")


class Ambient:
    """One request as its handler sees it. Fields and route are parsed only when somebody asks."""

    __slots__ = ("_carried", "_fields", "_flags", "_parsed", "_route", "deadline_ns", "feature")

    def __init__(self, feature: str, fields: bytes, route: bytes, deadline_ns: int, flags: int = 0) -> None:
        """Flags and raw blocks of the REQUEST frame; *deadline_ns* on the monotonic clock."""
        self.feature = feature
        """The feature that was called: ``/service/customer/retrieve``."""
        self.deadline_ns = deadline_ns
        self._fields = fields
        self._route = route
        self._flags = flags
        self._parsed: dict[int, bytes] | None = None
        self._carried: bytes | None = None

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

    def bounded(self, tag: int) -> bytes:
        """As `field`; what somebody made longer than it may be is not carried further."""
        value = self.field(tag)
        return value if len(value) <= MOST_HEADERS_BYTES else b""

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
    def headers(self) -> dict[str, str]:
        """What the first caller of the request tree, or one on the way, put beside it; for match rules and for you."""
        data = self.field(TAG_HEADERS)
        try:
            return decode_headers(data) if data else {}
        except MalformedFrame:
            return {}

    @property
    def priority(self) -> Priority:
        """What is started first and shed last where there is not room for all."""
        return priority_of(self._fields)

    @property
    def assignment(self) -> bytes:
        """The versions that were chosen for the request tree, this instance's included when it was chosen."""
        assignment = self.bounded(TAG_ASSIGNMENT)
        version = self.route.version if self._flags & REQUEST_ASSIGNED else ""
        return with_assignment(assignment, package_of(self.feature), version) if version else assignment

    @property
    def carried(self) -> bytes:
        """The optional fields that calls made inside carry on, encoded: all that travels, as it came."""
        carried = self._carried
        if carried is None:
            fields = {tag: self.bounded(tag) for tag in (TAG_STICKY_KEY, TAG_HEADERS, TAG_PRIORITY)}
            fields[TAG_ASSIGNMENT] = self.assignment
            carried = encode_fields({tag: value for tag, value in fields.items() if value})
            self._carried = carried
        return carried

    @property
    def route(self) -> RequestRoute:
        """Who calls, and which instance was meant; empty strings when the broker did not say."""
        try:
            return decode_request_route(self._route)
        except MalformedFrame:
            return _NO_ROUTE


NOTHING: Final = Ambient("", b"", b"", 0)
"""Who calls outside of a handler passes on."""
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
