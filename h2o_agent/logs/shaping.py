"""A line of a child's file → what `/logs` says of it: the same bytes where they are whole, else made whole. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from h2o_core.logs import (
    HOST_NAME,
    INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    Entry,
    Severity,
    own_document,
)
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from h2o_agent.logs.query import Query
    from h2o_agent.logs.splitting import RawLine

CONTROL_KEYS: Final = frozenset({"source", "cursor", "dropped", "gap", "alive"})
"""Top-level keys that the agent alone writes."""


class Shaped(NamedTuple):
    """One entry. `text` is a JSON object in UTF-8 without an end of line."""

    timestamp_s: float
    text: bytes


@dataclass(slots=True)
class Context:
    """What foreign lines of one file are given: whose they are, and when they were.

    Follows the file: a foreign line belongs to the process that wrote the last line of ours before it.
    """

    source: str
    resource: dict[str, str]
    last_s: float = 0.0
    """Of the last line that said its time; 0: none has."""

    def suffix(self) -> bytes:
        """What a whole document ends with instead of its brace."""
        return b',"source":' + json.dumps(self.source).encode() + b"}"


class Shaper:
    """For one source: lines in, wanted entries out."""

    def __init__(self, context: Context, query: Query) -> None:
        self._context = context
        self._query = query
        self._suffix = context.suffix()
        self._host = context.resource[HOST_NAME]

    def shape(self, raw: RawLine, seen_s: float) -> Shaped | None:
        """None: nothing there, or not wanted. *seen_s*: when the agent found the line, for one without a time."""
        line = raw.line.strip(b"\r\0 \t")
        if not line:
            return None
        document = own_document(line) if line[0] == 0x7B and not raw.cut else None
        if document is None:
            return self._foreign(line, cut=raw.cut, seen_s=seen_s)
        resource: Any = document.get("resource")
        if not _whole(document, resource, self._host):
            return self._mended(line, seen_s)
        timestamp_s = unix_s(document["timestamp"])
        if timestamp_s is None:
            return self._mended(line, seen_s)
        context = self._context
        context.resource = resource
        context.last_s = timestamp_s
        query = self._query
        if not query.in_time(timestamp_s) or not query.wants(document):
            return None
        return Shaped(timestamp_s, line[:-1] + self._suffix)

    def _foreign(self, line: bytes, *, cut: bool, seen_s: float) -> Shaped | None:
        if not self._query.may_match(line):
            return None
        body, attributes = line.decode(errors="replace"), {}
        if cut:
            body, attributes = f"{body}… (longer than 64 KiB, cut)", {"log.cut": True}
        timestamp_s = max(self._context.last_s, seen_s)
        return self._told(Entry(timestamp_s, Severity.UNSET, body, attributes=attributes), self._context.resource)

    def _mended(self, line: bytes, seen_s: float) -> Shaped | None:
        """An object of ours that lacks something, has it in another type, or has a key that is not its own."""
        context = self._context
        entry = Entry.of(json.loads(line), max(context.last_s, seen_s), context.resource)
        resource = {**context.resource, **entry.resource, HOST_NAME: self._host}
        context.resource = resource
        context.last_s = entry.timestamp_s
        return self._told(entry, resource)

    def _told(self, entry: Entry, resource: dict[str, str]) -> Shaped | None:
        whole = replace(entry, resource=resource)
        document = whole.document()
        if not self._query.in_time(entry.timestamp_s) or not self._query.wants(document):
            return None
        return Shaped(entry.timestamp_s, whole.line().encode(errors="replace")[:-1] + self._suffix)


def _whole(document: dict[str, Any], resource: dict[str, Any], host: str) -> bool:
    """Can it be passed on as it is? Types, the four of the resource, and no key that is the agent's."""
    return (
        type(document["body"]) is str
        and type(document["severity_number"]) is int
        and type(document["severity_text"]) is str
        and type(document.get("timestamp")) is str
        and type(resource) is dict
        and resource.get(HOST_NAME) == host
        and type(resource.get(SERVICE_NAME)) is str
        and type(resource.get(SERVICE_VERSION)) is str
        and type(resource.get(INSTANCE_ID)) is str
        and type(document.get("attributes", _EMPTY)) is dict
        and type(document.get("trace_id", "")) is str
        and type(document.get("span_id", "")) is str
        and CONTROL_KEYS.isdisjoint(document)
    )


_EMPTY: Final[dict[str, Any]] = {}
