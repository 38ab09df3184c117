"""Log lines of a process of ours: `logging`'s records as JSON objects of OpenTelemetry's model, one write(2) each.

What an author has configured himself stays; `configure` does nothing then. A line costs as much as with the standard
library's plain formatter and stream (docs/performance.md).
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
import time
import traceback
from dataclasses import dataclass, replace
from json.encoder import encode_basestring
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from h2o_core.io.ambient import AMBIENT
from h2o_core.logs import DROPPED, HOST_NAME, INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VARIABLE: Final = "H2O_LOG_FORMAT"
LEVEL_VARIABLE: Final = "H2O_LOG_LEVEL"
LAUNCH_VARIABLE: Final = "H2O_LAUNCH"
HOST_VARIABLE: Final = "H2O_HOST"
TEXT_FORMAT: Final = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s: %(message)s"
TEXT_TIME: Final = "%H:%M:%S"

_MOST_BODY: Final = 16 << 10
_MOST_VALUE: Final = 4 << 10
_MOST_STACK: Final = 24 << 10
_MOST_LINE: Final = 60 << 10
"""Bytes; an agent cuts a line at 64 KiB, and what is cut is no JSON any more."""
_USUAL: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName", "color_message"}
_USUAL_COUNT: Final = len(logging.makeLogRecord({}).__dict__)


@dataclass(frozen=True, slots=True)
class Resource:
    """Who writes. Before the broker has given an instance its id, the launch token stands for it."""

    name: str
    version: str
    instance: str
    host: str

    def text(self) -> str:
        """As JSON."""
        said = {
            SERVICE_NAME: self.name,
            SERVICE_VERSION: self.version,
            INSTANCE_ID: self.instance,
            HOST_NAME: self.host,
        }
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


def own_resource(name: str, version: str, instance: str = "") -> Resource:
    """Of this process, from its environment; *instance*: when that is known."""
    environ = os.environ
    return Resource(
        name, version, instance or environ.get(LAUNCH_VARIABLE, ""), environ.get(HOST_VARIABLE) or socket.gethostname()
    )


class JsonFormatter(logging.Formatter):
    """A record → one line, without its end. `identify` changes whose lines they are."""

    def __init__(self, resource: Resource) -> None:
        super().__init__()
        self.identify(resource)
        self._second = -1
        self._second_text = ""

    def identify(self, resource: Resource) -> None:
        """From the next line on."""
        self.resource = resource
        self._end = f',"resource":{resource.text()}}}'

    def format(self, record: logging.LogRecord) -> str:
        """Severity, text, request, attributes; what is too long is cut, never left out."""
        line = self._line(record, _body(record), _attributes(record))
        if len(line) > _MOST_LINE // 4 and len(line.encode(errors="replace")) > _MOST_LINE:
            line = self._line(record, _cut(record.getMessage(), _MOST_VALUE), {"log.cut": True})
        return line

    def _line(self, record: logging.LogRecord, body: str, attributes: dict[str, Any]) -> str:
        request = AMBIENT.get()
        trace = ""
        if request is not None:
            trace = f',"trace_id":"{request.trace_id.hex()}"'
            parent = request.traceparent
            if parent:
                trace += f',"span_id":"{parent[36:52]}"'
            attributes["h2o.feature"] = request.feature.lstrip("/")
            attributes["h2o.request_id"] = request.request_id
        said = f',"attributes":{_encode(attributes)}' if attributes else ""
        when, severity = self._when(record.created), _severity(record.levelno)
        return f'{{"timestamp":"{when}",{severity},"body":{encode_basestring(body)}{trace}{said}{self._end}'

    def _when(self, created: float) -> str:
        second = int(created)
        if second != self._second:
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second
        return f"{self._second_text}.{int((created - second) * 1000):03d}Z"


def _body(record: logging.LogRecord) -> str:
    message = record.getMessage()
    return message if len(message) <= _MOST_BODY else _cut(message, _MOST_BODY)


def _attributes(record: logging.LogRecord) -> dict[str, Any]:
    """What `extra=` gave, the exception, and for warnings and worse the place in the code."""
    attributes: dict[str, Any] = {}
    fields = record.__dict__
    if len(fields) > _USUAL_COUNT:
        attributes = {key: _value(value) for key, value in fields.items() if key not in _USUAL}
    if record.name != "root":
        attributes["logger.name"] = record.name
    if record.levelno >= logging.WARNING:
        attributes["code.function.name"] = record.funcName
        attributes["code.file.path"] = record.pathname
        attributes["code.line.number"] = record.lineno
    if record.exc_info and record.exc_info[0] is not None:
        kind, error, trace = record.exc_info
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        attributes["exception.type"] = module + kind.__qualname__
        attributes["exception.message"] = _cut(_said(error), _MOST_VALUE)
        stack = "".join(traceback.format_exception(kind, error, trace))
        attributes["exception.stacktrace"] = stack if len(stack) <= _MOST_STACK else "…" + stack[-_MOST_STACK:]
    elif record.stack_info:
        attributes["code.stacktrace"] = _cut(record.stack_info, _MOST_STACK)
    return attributes


def _said(error: BaseException | None) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception whose own __str__ raises is to be logged all the same
        return f"(its text can't be told: {type(error).__name__})"


def _value(value: Any) -> Any:
    """Something that is JSON; a text of it otherwise."""
    if isinstance(value, str):
        return _cut(value, _MOST_VALUE)
    if value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value)):
        return value
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return value if len(text) <= _MOST_VALUE else _cut(text, _MOST_VALUE)
    except (TypeError, ValueError, RecursionError):
        return _cut(repr(value), _MOST_VALUE)


_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}… ({len(text)} characters, cut)"


def _severity(level: int) -> str:
    known = _SEVERITIES.get(level)
    if known is None:
        severity = max((each for at, each in _LEVELS if at <= level), default=Severity.DEBUG)
        known = _SEVERITIES[level] = f'"severity_text":"{severity.name}","severity_number":{int(severity)}'
    return known


_LEVELS: Final = (
    (logging.INFO, Severity.INFO),
    (logging.WARNING, Severity.WARN),
    (logging.ERROR, Severity.ERROR),
    (logging.CRITICAL, Severity.FATAL),
)
_SEVERITIES: Final[dict[int, str]] = {}


class LineHandler(logging.Handler):
    """Each record is one write(2) to a descriptor, so lines of threads and processes are never torn.

    What can't be written (a full disk) is dropped; the next line that can be says how many were.
    """

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._dropped = 0
        self._torn = False

    def emit(self, record: logging.LogRecord) -> None:
        """Called with the handler's lock held."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - as in logging's own handlers: a bad argument must not break who logs
            self.handleError(record)
            return
        data = line.encode(errors="replace") + b"\n"
        if self._dropped:
            data = self._excuse() + data
        try:
            written = os.write(self._fd, data)
        except OSError:
            self._dropped += 1
            return
        self._dropped, self._torn = (0, False) if written == len(data) else (self._dropped + 1, written > 0)

    def _excuse(self) -> bytes:
        record = logging.LogRecord(
            "h2o.logs", logging.WARNING, __file__, 0, "%d log lines could not be written", (self._dropped,), None
        )
        record.__dict__[DROPPED] = self._dropped
        return (b"\n" if self._torn else b"") + self.format(record).encode(errors="replace") + b"\n"


def wants_json(environ: Mapping[str, str], *, terminal: bool) -> bool:
    """As H2O_LOG_FORMAT says; else JSON under an agent, and wherever nobody looks on."""
    said = environ.get(FORMAT_VARIABLE, "").lower()
    if said in {"json", "text"}:
        return said == "json"
    return bool(environ.get(LAUNCH_VARIABLE)) or not terminal


def wanted_level(environ: Mapping[str, str], default: int = logging.INFO) -> int:
    """As H2O_LOG_LEVEL says, a name or a number; *default* for anything else."""
    said = environ.get(LEVEL_VARIABLE, "").strip().upper()
    if said.isdecimal():
        return int(said)
    return logging.getLevelNamesMapping().get("WARNING" if said == "WARN" else said, default)


def configure(resource: Resource, level: int = logging.INFO) -> None:
    """The root logger writes to standard error, as JSON or as text; an existing configuration stays.

    H2O_LOG_LEVEL goes before *level*.
    """
    root = logging.getLogger()
    if root.hasHandlers():
        return
    root.setLevel(wanted_level(os.environ, level))
    if wants_json(os.environ, terminal=sys.stderr.isatty()):
        handler: logging.Handler = LineHandler(sys.stderr.fileno())
        handler.setFormatter(JsonFormatter(resource))
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(TEXT_FORMAT, TEXT_TIME))
    root.addHandler(handler)


def identify(instance: str, host: str) -> None:
    """This process is known as *instance* of *host* from now on, in all lines that our formatter makes."""
    for handler in logging.getLogger().handlers:
        formatter = handler.formatter
        if isinstance(formatter, JsonFormatter):
            formatter.identify(replace(formatter.resource, instance=instance, host=host))


def also_to(path: str, resource: Resource) -> None:
    """The root logger's lines go to the file at *path* as well, as JSON. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    handler = LineHandler(fd)
    handler.setFormatter(JsonFormatter(resource))
    logging.getLogger().addHandler(handler)
