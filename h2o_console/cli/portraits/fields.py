"""The columns and facts that the pages of `h2o describe` show. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from h2o_console.cli.counting import most_frequent
from h2o_console.cli.output import age, bytes_, count, milliseconds, percent
from h2o_console.cli.states import STATES
from h2o_console.sections import Field
from h2o_core.logs import parse
from h2o_core.times import rfc3339


def _short(value: Any) -> str:
    return value[:8] if isinstance(value, str) else ""


def _last_part(value: Any) -> str:
    """``service/customer/retrieve`` → ``retrieve``: the page's title has the rest."""
    return "/".join(str(value).split("/")[2:]) or str(value)


def _outcomes(value: Any) -> str:
    return most_frequent(cast("Mapping[str, int]", value)) if isinstance(value, Mapping) else ""


def _log_line(value: Any) -> str:
    """One of our own JSON lines as people read it; any other as it is."""
    text = str(value)
    if not text.startswith("{"):
        return text
    entry = parse(text.encode(errors="replace"), 0.0, {})
    if not entry.severity:
        return text
    exception = entry.attributes.get("exception.type")
    more = f" ({exception}: {entry.attributes.get('exception.message', '')})" if exception else ""
    return f"{_time_of_day(entry.timestamp_s)} {entry.severity.name:5} {entry.body}{more}"


def _time_of_day(unix_s: float) -> str:
    try:
        return rfc3339(unix_s)[11:23]
    except (ValueError, OverflowError, OSError):
        return "-"


def _joined(value: Any) -> str:
    """An argv, or labels."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={each}" for key, each in sorted(cast("Mapping[str, Any]", value).items()))
    return " ".join(map(str, cast("list[Any]", value))) if isinstance(value, list) else ""


def _signed(value: Any) -> str:
    return f"{value:+.3f} s" if isinstance(value, float) and abs(value) < 1e9 else ""


_REQUESTS: Final = (
    Field("REQUESTS", "requests", count, right=True),
    Field("ERRORS", "errors", count, right=True),
    Field("APP", "application_errors", count, right=True),
)
_TIMES: Final = (
    Field("P50 MS", "p50_ms", milliseconds, right=True),
    Field("P95 MS", "p95_ms", milliseconds, right=True),
    Field("P99 MS", "p99_ms", milliseconds, right=True, wide=True),
)
VERSIONS: Final = (
    Field("VERSION", "version"),
    Field("INST", "instances", count, right=True),
    Field("READY", "ready", count, right=True),
    Field("HOSTS", "hosts", count, right=True),
    *_REQUESTS,
    *_TIMES,
)
FEATURES: Final = (
    Field("FEATURE", "name", _last_part),
    Field("VERSION", "version"),
    *_REQUESTS,
    Field("MEAN", "promised_mean_ms", milliseconds, right=True),
    Field("IS", "mean_ms", milliseconds, right=True),
    Field("UPPER95", "promised_upper95_ms", milliseconds, right=True),
    Field("IS", "p95_ms", milliseconds, right=True),
    Field("PROMISE", "kept", colours=STATES),
)
TYPES: Final = (
    Field("VERSION", "version"),
    Field("REQUEST", "request_type"),
    Field("REPLY", "reply_type"),
    Field("IDEMPOTENT", "idempotent"),
)
MEASURED_BY_INSTANCE: Final = (
    Field("ID", "id", _short),
    Field("VERSION", "version"),
    Field("HOST", "host"),
    *_REQUESTS,
    Field("MEAN MS", "mean_ms", milliseconds, right=True),
    *_TIMES,
)
_STANDING: Final = (
    Field("STATE", "state", colours=STATES),
    Field("AGE", "age_s", age, right=True),
    Field("WHY", "why"),
)
INSTANCES: Final = (Field("ID", "id", _short), Field("VERSION", "version"), Field("HOST", "host"), *_STANDING)
INSTANCES_HERE: Final = (
    Field("PACKAGE", "package"),
    Field("VERSION", "version"),
    Field("ID", "id", _short),
    *_STANDING,
)
INSTANCE: Final = (
    Field("id", "id"),
    Field("launch", "launch"),
    Field("package", "package"),
    Field("version", "version"),
    Field("host", "host"),
    Field("zone", "zone"),
    Field("state", "state", colours=STATES),
    Field("gets traffic", "routable"),
    Field("why", "why"),
    Field("registered", "started"),
    Field("age", "age_s", age),
    Field("slots", "slots", count),
    Field("in flight", "in_flight", count),
    Field("queued", "queued", count),
    Field("pid", "pid", count),
    Field("restarts", "restarts", count),
    Field("failures", "failures", count),
    Field("processor", "cpu_pct", percent),
    Field("memory", "rss_bytes", bytes_),
    Field("again in", "due_in_s", age),
    Field("log file", "log"),
    Field("command", "argv", _joined),
    Field("directory", "cwd"),
    Field("limits", "limits", _joined),
)
HOST: Final = (
    Field("host", "host"),
    Field("zone", "zone"),
    Field("link", "link", colours=STATES),
    Field("why", "why"),
    Field("register", "register"),
    Field("labels", "labels", _joined),
    Field("agent", "agent"),
    Field("agent version", "agent_version"),
    Field("broker", "address"),
    Field("broker pid", "broker_pid", count),
    Field("broker age", "broker_age_s", age),
    Field("broker problem", "broker_problem"),
    Field("incarnation", "incarnation", wide=True),
    Field("ZooKeeper", "register_state", colours=STATES),
    Field("silent for", "register_silent_s", age),
    Field("epoch", "epoch", count),
    Field("strangers", "strangers"),
    Field("alarms", "alarms"),
)
VITALS: Final = (
    Field("processor", "cpu_pct", percent),
    Field("steal", "steal_pct", percent),
    Field("cores", "cores", count),
    Field("load", "load1", milliseconds),
    Field("memory free", "memory_available_bytes", bytes_),
    Field("of", "memory_total_bytes", bytes_),
    Field("disk free", "disk_available_bytes", bytes_),
    Field("of", "disk_total_bytes", bytes_),
    Field("clock ahead", "clock_skew_s", _signed),
    Field("log lines dropped", "log_lines_dropped", count),
)
PROCESSES: Final = (
    Field("CHILD", "key"),
    Field("STATE", "state", colours=STATES),
    Field("PID", "pid", count, right=True),
    Field("IN STATE", "age_s", age, right=True),
    Field("RESTARTS", "restarts", count, right=True),
    Field("CPU", "cpu_pct", percent, right=True),
    Field("MEMORY", "rss_bytes", bytes_, right=True),
    Field("WHY", "why"),
)
LINKS: Final = (
    Field("HOST", "host"),
    Field("STATE", "state", colours=STATES),
    Field("RTT MS", "rtt_ms", milliseconds, right=True),
    Field("PONG MS AGO", "pong_age_ms", milliseconds, right=True),
    Field("IN-FLIGHT", "in_flight", count, right=True),
    Field("WHY", "why"),
)
QUEUES: Final = (
    Field("PACKAGE", "package"),
    Field("VERSION", "version"),
    Field("QUEUED", "queued", count, right=True),
    Field("CAPACITY", "capacity", count, right=True),
    Field("REFUSED 10 S", "refused", count, right=True),
    Field("WHOSE", "refused_of", _joined),
)
_CALLER: Final = (Field("CALLER", "caller"), Field("VERSION", "version"))
_CALLED: Final = (Field("REQUESTS", "requests", count, right=True), Field("OUTCOMES", "outcomes", _outcomes))
CALLERS: Final = (*_CALLER, Field("FEATURE", "feature", _last_part), *_CALLED)
CALLERS_HERE: Final = (*_CALLER, Field("FEATURE", "feature"), *_CALLED)
CHECKS: Final = (
    Field("CHECK", "name"),
    Field("ID", "instance", _short),
    Field("HOST", "host"),
    Field("STATUS", "status", colours=STATES),
    Field("SEVERITY", "severity"),
    Field("OUTPUT", "output"),
)
ERRORS: Final = (
    Field("AGO", "age_s", age, right=True),
    Field("FEATURE", "feature", _last_part),
    Field("ID", "id", _short),
    Field("HOST", "host"),
    Field("ERROR", "error"),
)
EXIT: Final = (
    Field("child", "key"),
    Field("host", "host"),
    Field("ended with", "text"),
    Field("at", "time"),
)
LINES: Final = (Field("", "line", _log_line),)
COUNTERS: Final = (Field("NAME", "name"), Field("COUNT", "count", count, right=True))
