"""The pages of `h2o describe`: what is known of a package, a feature, an instance or a host, as sections. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli import portrait_fields as fields
from h2o_console.cli.counting import (
    By,
    Counted,
    application_errors_of,
    errors_of,
    grouped,
    mean_ms,
    quantile_ms,
    since_start,
)
from h2o_console.cli.reported import counts_of
from h2o_console.cli.sections import Field, Section
from h2o_console.feed.answers import number, table, text
from h2o_core.names import shown
from h2o_core.times import unix_s

if TYPE_CHECKING:
    from h2o_console.cli.views import HostsView, InstancesView
    from h2o_core.pb.host_pb2 import HostStats
    from h2o_core.pb.registration_pb2 import Check

Entry = dict[str, Any]
_STATUS: Final = ("pass", "warn", "fail")
_SEVERITY: Final = ("NOTE", "TICKET", "PAGE")


@dataclass(frozen=True, slots=True)
class Known:
    """All that was asked for: the fleet's instances, hosts and features, and what single hosts count."""

    view: InstancesView
    hosts: HostsView
    features: Sequence[Mapping[str, Any]]
    answers: Mapping[str, HostStats]
    as_of: str

    def counted(self, wanted: Callable[[Counted], bool]) -> list[Counted]:
        """What the hosts that answered count of what is *wanted*."""
        return [one for one in since_start(map(counts_of, self.answers.values())) if wanted(one)]

    def age_s(self, then: float | None) -> float | None:
        """How long ago a unix time was, by the clock of whoever told the picture."""
        now = unix_s(self.as_of)
        return None if not then or now is None else max(0.0, now - then)


def package(known: Known, name: str, last: Mapping[str, Any] | None) -> list[Section]:
    """A package; *last* is its process that ended last."""
    counted = known.counted(lambda one: one.instance.package == name)
    return [
        _versions(known, name, counted),
        _features(known, counted, lambda each: text(each, "package") == name),
        _instances(known, lambda each: each["package"] == name),
        _callers(known, lambda feature: feature.startswith(f"{name}/")),
        _checks(known, lambda each: each == name),
        _errors(known, counted),
        *_exit(last),
    ]


def feature(known: Known, name: str) -> list[Section]:
    """A feature of a package, whatever its version."""
    package_name = "/".join(name.split("/")[:2])
    counted = known.counted(lambda one: one.endpoint.feature == name)
    return [
        _features(known, counted, lambda each: text(each, "name") == name),
        _types(known, name),
        Section("instances", "INSTANCES", fields.MEASURED_BY_INSTANCE, [_by_instance(one) for one in counted]),
        _callers(known, lambda each: each == name),
        _checks(known, lambda each: each == package_name),
        _errors(known, counted),
    ]


def instance(known: Known, instance_id: str, process: Mapping[str, Any] | None) -> list[Section]:
    """An instance; *process* is what its agent says of the process, None when it did not start it."""
    entry: Entry = _entry(known.view.entries, "id", instance_id)
    entry |= _process(process)
    entry["age_s"] = known.age_s(unix_s(text(entry, "started")))
    counted = known.counted(lambda one: one.instance.id == instance_id)
    return [
        Section("instance", "INSTANCE", fields.INSTANCE, [entry], facts=True),
        _features(
            known,
            counted,
            lambda each: (
                (text(each, "package"), text(each, "version")) == (text(entry, "package"), text(entry, "version"))
            ),
        ),
        _checks(known, lambda _: True, instance_id),
        _errors(known, counted),
        *_exit(process),
    ]


def child(key: str, process: Mapping[str, Any] | None) -> list[Section]:
    """A process that has not registered."""
    entry = {"launch": key, **_process(process)}
    if process is not None:
        entry |= {"package": text(process, "package"), "host": text(process, "host"), "state": text(process, "state")}
        entry["why"] = text(process, "why")
    return [Section("instance", "PROCESS", fields.INSTANCE, [entry], facts=True), *_exit(process)]


def host(known: Known, name: str) -> list[Section]:
    """A host: how it stands, how it does, what runs on it and who it talks to."""
    entry: Entry = {"host": name, **_entry(known.hosts.entries, "host", name)}
    answer = known.answers.get(name)
    facts = Section("host", "HOST", fields.HOST, [entry | _broker(known, answer)], facts=True)
    listed = _instances(known, lambda each: each["host"] == name, fields.INSTANCES_HERE)
    if answer is None:
        return [facts, listed]
    return [
        facts,
        Section("vitals", "VITALS", fields.VITALS, [_vitals(answer)], facts=True),
        listed,
        Section("processes", "PROCESSES", fields.PROCESSES, list(map(_child_row, answer.children))),
        Section("links", "LINKS", fields.LINKS, [_link(each) for each in answer.report.peers]),
        Section("queues", "QUEUES", fields.QUEUES, _queues(answer.report.queues)),
        replace(_callers(known, lambda _: True), title="CALLERS HERE", fields=fields.CALLERS_HERE),
        _counters(answer),
    ]


def _entry(entries: Iterable[Mapping[str, Any]], key: str, value: str) -> Entry:
    """The one whose *key* is *value*, as a copy; empty when there is none."""
    for each in entries:
        if each.get(key) == value:
            return dict(each)
    return {}


def _versions(known: Known, name: str, counted: Sequence[Counted]) -> Section:
    measured = {group.key[1]: group for group in grouped(counted, By.VERSION)}
    here = [each for each in known.view.instances if each.package == name]
    versions = {each.version for each in here if each.version} | {
        text(each, "version") for each in known.features if text(each, "package") == name
    }
    entries: list[Entry] = []
    for version in sorted(versions):
        running = [each for each in here if each.version == version and each.id]
        group = measured.get(version)
        entries.append(
            {
                "version": version,
                "instances": len(running),
                "ready": sum(each.state == "ready" for each in running),
                "hosts": len({each.host for each in running}),
                **_measured(group.tally if group is not None and group.known else None),
            }
        )
    return Section("versions", f"PACKAGE {name}", fields.VERSIONS, entries)


def _features(known: Known, counted: Sequence[Counted], wanted: Callable[[Mapping[str, Any]], bool]) -> Section:
    """Promised beside measured, for each version that somebody serves or serves now."""
    tallies: dict[tuple[str, str], list[Counted]] = {}
    for one in counted:
        tallies.setdefault((one.endpoint.feature, one.instance.version), []).append(one)
    entries: list[Entry] = []
    for each in known.features:
        if not wanted(each):
            continue
        found = grouped(tallies.get((text(each, "name"), text(each, "version")), []), By.FEATURE)
        entries.append(
            {
                "name": text(each, "name"),
                "version": text(each, "version"),
                "promised_mean_ms": number(each, "mean_ms") or None,
                "promised_upper95_ms": number(each, "upper95_ms") or None,
                "kept": _kept(each, found[0].tally if found else None),
                **_measured(found[0].tally if found and found[0].known else None),
            }
        )
    return Section("features", "FEATURES, promised and measured (ms)", fields.FEATURES, entries)


def _kept(promise: Mapping[str, Any], tally: Any) -> str:
    """Is the promised upper 95 % kept? "" when nothing was promised or timed."""
    upper, p95 = number(promise, "upper95_ms"), None if tally is None else quantile_ms(tally, 0.95)
    if not upper or p95 is None:
        return ""
    return "kept" if p95 <= upper else "broken"


def _types(known: Known, name: str) -> Section:
    entries = [
        {
            "version": text(each, "version"),
            "request_type": text(each, "request_type"),
            "reply_type": text(each, "reply_type"),
            "idempotent": each.get("idempotent") is True,
        }
        for each in known.features
        if text(each, "name") == name
    ]
    return Section("types", "TYPES", fields.TYPES, entries)


def _measured(tally: Any) -> Entry:
    """Null where nothing is known."""
    if tally is None:
        return dict.fromkeys(("requests", "errors", "application_errors", "mean_ms", "p50_ms", "p95_ms", "p99_ms"))
    return {
        "requests": tally.requests,
        "errors": errors_of(tally),
        "application_errors": application_errors_of(tally),
        "mean_ms": mean_ms(tally),
        "p50_ms": quantile_ms(tally, 0.5),
        "p95_ms": quantile_ms(tally, 0.95),
        "p99_ms": quantile_ms(tally, 0.99),
    }


def _by_instance(one: Counted) -> Entry:
    where = {"id": one.instance.id, "version": one.instance.version, "host": one.instance.host}
    return {**where, **_measured(one.tally)}


def _instances(
    known: Known, wanted: Callable[[Mapping[str, Any]], bool], columns: tuple[Field, ...] = fields.INSTANCES
) -> Section:
    entries: list[Entry] = []
    for each, entry in zip(known.view.instances, known.view.entries, strict=True):
        shown_entry = {**entry, "package": each.package, "host": each.host, "id": each.id or None}
        if wanted(shown_entry):
            shown_entry["age_s"] = known.age_s(unix_s(each.started))
            entries.append(shown_entry)
    return Section("instances", "INSTANCES", columns, entries)


def _callers(known: Known, wanted: Callable[[str], bool]) -> Section:
    """Counted at the origin, over the hosts that answered: never to be added to what features count."""
    outcomes: dict[tuple[str, str, str], dict[str, int]] = {}
    for answer in known.answers.values():
        for one in counts_of(answer).callers:
            if wanted(one.feature):
                total = outcomes.setdefault((one.caller, one.version, one.feature), {})
                for code, n in one.outcomes.items():
                    total[code] = total.get(code, 0) + n
    entries = [
        {"caller": caller, "version": version, "feature": feature, "requests": sum(total.values()), "outcomes": total}
        for (caller, version, feature), total in sorted(outcomes.items())
    ]
    return Section("callers", "CALLERS", fields.CALLERS, entries)


def _checks(known: Known, wanted: Callable[[str], bool], instance_id: str = "") -> Section:
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


def _errors(known: Known, counted: Iterable[Counted]) -> Section:
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


def _process(process: Mapping[str, Any] | None) -> Entry:
    if process is None:
        return {}
    kept = ("pid", "restarts", "failures", "cpu_pct", "rss_bytes", "log", "argv", "cwd", "limits", "due_in_s")
    return {key: process[key] for key in kept if process.get(key) is not None}


def _exit(process: Mapping[str, Any] | None) -> list[Section]:
    """How the process ended last, and the last lines it wrote."""
    said = table(process or {}, "last_exit")
    if not said:
        return []
    entry = {**said, "key": text(process or {}, "key"), "host": text(process or {}, "host")}
    lines: Any = said.get("lines")
    found: list[Any] = list(lines) if isinstance(lines, list) else []  # pyright: ignore[reportUnknownArgumentType] - JSON
    entries = [{"line": each} for each in found if isinstance(each, str)]
    return [
        Section("last_exit", "LAST EXIT", fields.EXIT, [entry], facts=True),
        Section("last_lines", "LAST LINES BEFORE IT", fields.LINES, entries),
    ]


def _broker(known: Known, answer: HostStats | None) -> Entry:
    if answer is None:
        return {}
    report = answer.report
    return {
        "agent_version": answer.version,
        "broker_pid": report.pid or None,
        "broker_age_s": known.age_s(report.started_s),
        "broker_problem": answer.broker_problem,
        "register_state": report.register.state,
        "register_silent_s": report.register.silent_s or None,
        "epoch": report.epoch if answer.HasField("report") else None,
        "strangers": report.strangers,
        "alarms": "; ".join(f"{each.path}: {each.sentence}" for each in report.register.alarms),
    }


def _vitals(answer: HostStats) -> Entry:
    vitals = answer.vitals
    if not answer.HasField("vitals"):
        return {}
    return {
        "cpu_pct": vitals.cpu_pct if vitals.cpu_pct >= 0 else None,
        "steal_pct": vitals.steal_pct if vitals.steal_pct >= 0 else None,
        "cores": vitals.cores or None,
        "load1": vitals.load1 if vitals.load1 >= 0 else None,
        "memory_available_bytes": vitals.memory_available_bytes or None,
        "memory_total_bytes": vitals.memory_total_bytes or None,
        "disk_available_bytes": vitals.disk_available_bytes or None,
        "disk_total_bytes": vitals.disk_total_bytes or None,
        "clock_skew_s": vitals.clock_skew_s if vitals.clock_skew_known else None,
        "log_lines_dropped": vitals.log_lines_dropped,
    }


def _child_row(each: Any) -> Entry:
    return {
        "key": each.key,
        "state": each.state,
        "pid": each.pid or None,
        "age_s": each.age_s,
        "restarts": each.restarts,
        "cpu_pct": each.cpu_pct if each.cpu_pct >= 0 else None,
        "rss_bytes": each.rss_bytes or None,
        "crash_loops": each.crash_loops,
        "why": each.why,
    }


def _link(each: Any) -> Entry:
    return {
        "host": each.host,
        "state": each.state,
        "rtt_ms": each.rtt_ms if each.rtt_ms > 0 else None,
        "pong_age_ms": each.pong_age_ms if each.pong_age_ms >= 0 else None,
        "in_flight": each.in_flight,
        "why": each.why,
    }


def _queues(queues: Iterable[Any]) -> list[Entry]:
    """Those in which somebody waits, or did in the last seconds and got nothing."""
    entries = [
        {
            "package": shown(each.package),
            "version": each.version,
            "queued": each.queued,
            "capacity": each.capacity,
            "refused": sum(one.refused for one in each.callers),
            "refused_of": [shown(one.caller) for one in each.callers if one.refused],
        }
        for each in queues
    ]
    return [each for each in entries if each["queued"] or each["refused"]]


def _counters(answer: HostStats) -> Section:
    entries = [{"name": name, "count": n} for name, n in sorted(answer.report.counters.items())]
    return Section("counters", "DROPPED AND ODD THINGS", fields.COUNTERS, entries)
