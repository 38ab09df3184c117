"""The sections of how instances do: their states, their checks, their last errors, how a process ended. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.portraits import fields
from h2o_console.feed.answers import listed, table, text
from h2o_console.sections import Field, Section
from h2o_core.names import shown
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from h2o_console.cli.counting import Counted
    from h2o_console.cli.portraits.known import Entry, Known
    from h2o_core.pb.registration_pb2 import Check

_STATUS: Final = ("pass", "warn", "fail")
_SEVERITY: Final = ("NOTE", "TICKET", "PAGE")


def instances(
    known: Known, wanted: Callable[[Mapping[str, Any]], bool], columns: tuple[Field, ...] = fields.INSTANCES
) -> Section:
    """The instances that are *wanted*, in *columns*."""
    entries: list[Entry] = []
    for each, entry in zip(known.view.instances, known.view.entries, strict=True):
        shown_entry = {**entry, "package": each.package, "host": each.host, "id": each.id or None}
        if wanted(shown_entry):
            shown_entry["age_s"] = known.age_s(unix_s(each.started))
            entries.append(shown_entry)
    return Section("instances", "INSTANCES", columns, entries)


def checks(known: Known, wanted: Callable[[str], bool], instance_id: str = "") -> Section:
    """The packages' own checks, as instances say them once a second."""
    entries = [
        {"instance": one.instance, "host": host, **_check(check)}
        for host, answer in known.answers.items()
        for one in answer.report.instances
        if wanted(shown(one.package)) and instance_id in {"", one.instance}
        for check in one.heartbeat.checks
    ]
    return Section("checks", "HEALTH CHECKS", fields.CHECKS, entries, empty="none declared")


def _check(check: Check) -> Entry:
    status, severity = int(check.status), int(check.severity)
    return {
        "name": check.name,
        "status": _STATUS[status] if status < len(_STATUS) else str(status),
        "severity": _SEVERITY[severity] if severity < len(_SEVERITY) else str(severity),
        "output": check.output,
        "observed": check.observed,
        "unit": check.unit,
    }


def errors(known: Known, counted: Iterable[Counted]) -> Section:
    """The last error of each feature of each instance, the newest first."""
    with_error = [one for one in counted if one.endpoint.last_error]
    with_error.sort(key=lambda one: -(one.endpoint.last_error_s or 0.0))
    entries = [
        {
            "age_s": known.age_s(one.endpoint.last_error_s),
            "feature": one.endpoint.feature,
            "id": one.instance.id,
            "host": one.instance.host,
            "error": one.endpoint.last_error,
        }
        for one in with_error
    ]
    return Section("last_errors", "LAST ERRORS", fields.ERRORS, entries)


def process_facts(process: Mapping[str, Any] | None) -> Entry:
    """What its agent knows of a process; nothing of one that it has not started."""
    if process is None:
        return {}
    kept = ("pid", "restarts", "failures", "cpu_pct", "rss_bytes", "log", "argv", "cwd", "limits", "due_in_s")
    return {key: process[key] for key in kept if process.get(key) is not None}


def last_exit(process: Mapping[str, Any] | None) -> list[Section]:
    """How the process ended last, and the last lines it wrote."""
    said = table(process or {}, "last_exit")
    if not said:
        return []
    entry = {**said, "key": text(process or {}, "key"), "host": text(process or {}, "host")}
    entries = [{"line": each} for each in listed(said, "lines") if isinstance(each, str)]
    return [
        Section("last_exit", "LAST EXIT", fields.EXIT, [entry], facts=True),
        Section("last_lines", "LAST LINES BEFORE IT", fields.LINES, entries),
    ]
