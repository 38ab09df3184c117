"""One log line: a JSON object of OpenTelemetry's log data model, made by the SDK, read by whoever shows it. Pure.

A line that is no such object (a print, another language's logger, a traceback) is wrapped: it becomes the
`body`. Fields: `timestamp` (RFC 3339), `severity_text`, `severity_number`, `body`, `trace_id` and `span_id`
where a request is being handled, `attributes`, `resource`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final, cast

from h2o_core.times import rfc3339, unix_s


class Severity(IntEnum):
    """OpenTelemetry's severity numbers, the first of each range."""

    UNSET = 0
    DEBUG = 5
    INFO = 9
    WARN = 13
    ERROR = 17
    FATAL = 21

    @classmethod
    def of_number(cls, number: int) -> Severity:
        """Of any number that OpenTelemetry knows (1 to 24): TRACE counts as DEBUG, INFO3 as INFO."""
        return _OF_NUMBER[number] if 0 <= number < len(_OF_NUMBER) else cls.FATAL if number > 0 else cls.UNSET


_OF_NUMBER: Final = (
    Severity.UNSET,
    *[Severity.DEBUG] * 8,
    *[Severity.INFO] * 4,
    *[Severity.WARN] * 4,
    *[Severity.ERROR] * 4,
    *[Severity.FATAL] * 4,
)

SERVICE_NAME: Final = "service.name"
SERVICE_VERSION: Final = "service.version"
INSTANCE_ID: Final = "service.instance.id"
HOST_NAME: Final = "host.name"
LAUNCH: Final = "h2o.launch"
"""Attribute of the line that an agent writes into a log before the process whose it is starts."""
DROPPED: Final = "log.dropped"
"""Attribute: so many lines of this process could not be written before this one."""
_LATEST_S: Final = 253_402_300_799.0
"""The end of the year 9999; no clock says more, nor less than 0."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, parsed. `timestamp_s` is Unix time; texts are as they came: make them safe before showing them."""

    timestamp_s: float
    severity: Severity
    body: str
    trace_id: str = ""
    span_id: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    resource: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, document: Mapping[str, Any], now_s: float, resource: Mapping[str, str]) -> Entry:
        """Of what `own_document` found; what it does not say, or says in another type, is *now_s* and *resource*."""
        number = document.get("severity_number")
        body = document["body"]
        said_s = unix_s(_text(document, "timestamp"))
        said = _texts(_table(document, "resource"))
        return cls(
            said_s if said_s is not None and 0 <= said_s < _LATEST_S else now_s,
            Severity.of_number(number) if type(number) is int else Severity.UNSET,
            body if isinstance(body, str) else json.dumps(body, ensure_ascii=False),
            _text(document, "trace_id"),
            _text(document, "span_id"),
            _table(document, "attributes"),
            {**resource, **said} if resource else said,
        )

    def document(self) -> dict[str, Any]:
        """As JSON has it; `attributes`, `trace_id` and `span_id` only where there are any."""
        said: dict[str, Any] = {
            "timestamp": rfc3339(self.timestamp_s),
            "severity_text": self.severity.name if self.severity else "",
            "severity_number": int(self.severity),
            "body": self.body,
        }
        if self.trace_id:
            said["trace_id"] = self.trace_id
        if self.span_id:
            said["span_id"] = self.span_id
        if self.attributes:
            said["attributes"] = self.attributes
        said["resource"] = self.resource
        return said

    def line(self) -> str:
        """One line, without its end; what is not JSON in `attributes` is written as text."""
        return json.dumps(self.document(), ensure_ascii=False, separators=(",", ":"), default=str)


def parse(line: bytes, now_s: float, resource: Mapping[str, str]) -> Entry:
    """Any line of a log, without its end; one that is foreign is wrapped, with *now_s* and *resource* for its own.

    Never raises: bytes that are no UTF-8 are replaced, numbers and texts of the wrong type left out.
    """
    document = own_document(line) if line[:1] == b"{" else None
    if document is None:
        return Entry(now_s, Severity.UNSET, line.decode(errors="replace"), resource=resource)
    return Entry.of(document, now_s, resource)


def own_document(line: bytes) -> dict[str, Any] | None:
    """The line's object, when it is one of ours: it has a body and a severity. NaN is no JSON, so it is none."""
    try:
        text = line.decode().strip(_BLANKS)
        parsed, end = _decode(text)
    except (ValueError, RecursionError):
        return None
    if end != len(text) or not isinstance(parsed, dict):
        return None
    if "body" in parsed and "severity_text" in parsed and "severity_number" in parsed:
        return cast("dict[str, Any]", parsed)
    return None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


_BLANKS: Final = " \t\r\n"
_decode: Final = json.JSONDecoder(parse_constant=_refuse).raw_decode
"""A third less than `decode`, which looks for blanks with a regular expression before and after."""


def _text(document: Mapping[str, Any], key: str) -> str:
    value = document.get(key)
    return value if isinstance(value, str) else ""


def _table(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    value: Any = document.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _texts(table: dict[str, Any]) -> dict[str, str]:
    for value in table.values():
        if type(value) is not str:
            return {key: str(each) for key, each in table.items()}
    return table
