"""What `h2o top` ranks: packages, instances, hosts over the last moments, as objects. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from h2o_console.cli.counting import (
    By,
    Counted,
    Group,
    application_errors_of,
    between,
    errors_of,
    grouped,
    quantile_ms,
)

if TYPE_CHECKING:
    from h2o_console.cli.reported import HostCounts
    from h2o_console.feed.answers import Host, Instance
    from h2o_core.pb.host_pb2 import HostStats

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Moments:
    """Two readings of the hosts' counters, the later one's `answers`, and the asked broker's picture of all."""

    earlier: Mapping[str, HostCounts]
    later: Mapping[str, HostCounts]
    answers: Mapping[str, HostStats]
    instances: Sequence[Instance]
    hosts: Sequence[Host]

    def counted(self) -> list[Counted]:
        """What happened between the two."""
        return between(self.earlier, self.later)

    def silent(self, host: str) -> bool:
        """Is nothing known of what happened there?"""
        return host not in self.earlier or host not in self.later


def entries(of: str, moments: Moments) -> list[Entry]:
    """One object a line, unranked; null is unknown."""
    make: Callable[[Moments], list[Entry]] = {"packages": _packages, "instances": _instances, "hosts": _hosts}[of]
    return make(moments)


def ranked(found: Iterable[Entry], sort: str) -> list[Entry]:
    """The greatest first, what is unknown last, then by name."""
    by_name = sorted(found, key=_name)
    if sort == "name":
        return by_name
    key = _SORT_KEYS[sort]
    return sorted(by_name, key=lambda entry: -1.0 if entry.get(key) is None else float(entry[key]), reverse=True)


_SORT_KEYS: Final = {
    "rate": "requests_per_s",
    "errors": "errors_per_s",
    "p95": "p95_ms",
    "cpu": "cpu_pct",
    "memory": "memory_bytes",
}


def _name(entry: Entry) -> tuple[str, ...]:
    return tuple(str(entry.get(key) or "") for key in ("package", "version", "host", "id"))


def names(of: str, found: Iterable[Entry]) -> list[str]:
    """What ``-o name`` prints."""
    key = {"packages": "package", "instances": "id", "hosts": "host"}[of]
    return [str(entry[key]) for entry in found if entry.get(key)]


def _figures(group: Group | None, *, silent: bool = False) -> Entry:
    """Of what was counted; zero when nothing was, null when that is unknown."""
    if silent or (group is not None and not group.known):
        return dict.fromkeys(
            ("requests_per_s", "errors_per_s", "error_pct", "application_error_pct", "p50_ms", "p95_ms")
        )
    if group is None or not group.tally.requests:
        return {
            "requests_per_s": 0.0,
            "errors_per_s": 0.0,
            "error_pct": None,
            "application_error_pct": None,
            "p50_ms": None,
            "p95_ms": None,
        }
    tally, per_s = group.tally, group.per_s or 0.0
    errors = errors_of(tally) / tally.requests
    return {
        "requests_per_s": round(per_s, 3),
        "errors_per_s": round(per_s * errors, 3),
        "error_pct": round(100 * errors, 3),
        "application_error_pct": round(100 * application_errors_of(tally) / tally.requests, 3),
        "p50_ms": quantile_ms(tally, 0.5),
        "p95_ms": quantile_ms(tally, 0.95),
    }


def _packages(moments: Moments) -> list[Entry]:
    groups = {group.key[0]: group for group in grouped(moments.counted(), By.PACKAGE)}
    uses = _uses(moments)
    members: dict[str, list[Instance]] = {}
    for each in moments.instances:
        members.setdefault(each.package, []).append(each)
    found: list[Entry] = []
    for name, instances in members.items():
        silent = all(moments.silent(each.host) for each in instances)
        used = [uses[each.id] for each in instances if each.id in uses]
        found.append(
            {
                "package": name,
                "instances": sum(1 for each in instances if each.id),
                "ready": sum(each.state == "ready" for each in instances),
                **_figures(groups.get(name), silent=silent),
                "in_flight": _sum(each.get("in_flight") for each in used),
                "queued": _sum(each.get("queued") for each in used),
                "cpu_pct": _sum(each.get("cpu_pct") for each in used),
                "memory_bytes": _sum(each.get("memory_bytes") for each in used),
            }
        )
    return found


def _instances(moments: Moments) -> list[Entry]:
    by_id: dict[str, list[Counted]] = {}
    for one in moments.counted():
        by_id.setdefault(one.instance.id, []).append(one)
    uses = _uses(moments)
    found: list[Entry] = []
    for each in moments.instances:
        groups = grouped(by_id.get(each.id, []), By.HOST)
        silent = moments.silent(each.host)
        found.append(
            {
                "package": each.package,
                "version": each.version,
                "id": each.id or None,
                "host": each.host,
                "state": each.state,
                **_figures(groups[0] if groups else None, silent=silent or not each.id),
                "in_flight": None,
                "queued": None,
                "cpu_pct": None,
                "memory_bytes": None,
                **uses.get(each.id, {}),
            }
        )
    return found


def _hosts(moments: Moments) -> list[Entry]:
    groups = {group.key[0]: group for group in grouped(moments.counted(), By.HOST)}
    return [
        {
            "host": each.host,
            "zone": each.zone,
            "link": each.link or "unknown",
            "instances": each.instances,
            **_figures(groups.get(each.host), silent=moments.silent(each.host)),
            **_vitals(moments.answers.get(each.host)),
        }
        for each in moments.hosts
    ]


def _uses(moments: Moments) -> dict[str, Entry]:
    """Instance id → what it holds now: requests in flight and waiting, processor, memory."""
    uses: dict[str, Entry] = {}
    for host, counts in moments.later.items():
        answer = moments.answers[host]
        children = {child.launch: child for child in answer.children if child.launch}
        launches = {one.instance: one.launch for one in answer.report.instances}
        for one in counts.instances:
            child = children.get(launches.get(one.id, ""))
            uses[one.id] = {
                "in_flight": one.in_flight,
                "queued": one.queued,
                "cpu_pct": child.cpu_pct if child is not None and child.cpu_pct >= 0 else None,
                "memory_bytes": (child.rss_bytes or None) if child is not None else None,
            }
    return uses


def _vitals(answer: HostStats | None) -> Entry:
    if answer is None or not answer.HasField("vitals"):
        return dict.fromkeys(
            ("cpu_pct", "steal_pct", "load1", "memory_bytes", "memory_pct", "disk_pct", "clock_skew_s")
        )
    vitals = answer.vitals
    return {
        "cpu_pct": _known(vitals.cpu_pct),
        "steal_pct": _known(vitals.steal_pct),
        "load1": _known(vitals.load1),
        "memory_bytes": max(0, vitals.memory_total_bytes - vitals.memory_available_bytes) or None,
        "memory_pct": _used_pct(vitals.memory_total_bytes, vitals.memory_available_bytes),
        "disk_pct": _used_pct(vitals.disk_total_bytes, vitals.disk_available_bytes),
        "clock_skew_s": round(vitals.clock_skew_s, 3) if vitals.clock_skew_known else None,
    }


def _known(value: float) -> float | None:
    return value if value >= 0 else None


def _used_pct(total: int, available: int) -> float | None:
    return round(100 * (1 - min(available / total, 1.0)), 1) if total else None


def _sum(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
