"""Counters of many instances added up: since the brokers started, or between two readings. Pure.

Sketches merge by addition (h2o_core.histogram), so quantiles over a fleet are as exact as those of one instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import isnan
from typing import TYPE_CHECKING, Any, Final

from h2o_core.errors import MEANINGS, Code, Fault
from h2o_core.histogram import Histogram
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.cli.reported import EndpointCounts, HostCounts, InstanceCounts

ERRORS: Final = frozenset(code.name for code in Code if MEANINGS[code].fault in {Fault.PACKAGE, Fault.PLATFORM})
"""What counts as an error: not the caller's own mistakes, and not what a package declares."""
_MS: Final = 1e6


class By(StrEnum):
    """What counters are added up by."""

    INSTANCE = "instance"
    FEATURE = "feature"
    VERSION = "version"
    PACKAGE = "package"
    HOST = "host"


@dataclass(slots=True)
class Tally:
    """Outcomes by code, and the sketch of their times."""

    outcomes: dict[str, int] = field(default_factory=dict[str, int])
    sketch: Histogram = field(default_factory=Histogram)

    @property
    def requests(self) -> int:
        """All outcomes together."""
        return sum(self.outcomes.values())

    def add(self, other: Tally) -> None:
        """Count *other* in."""
        for code, count in other.outcomes.items():
            self.outcomes[code] = self.outcomes.get(code, 0) + count
        self.sketch.merge(other.sketch)


@dataclass(frozen=True, slots=True)
class Counted:
    """What one feature of one instance counted; `tally` is None when that can't be known, `span_s` since the start."""

    instance: InstanceCounts
    endpoint: EndpointCounts
    tally: Tally | None
    span_s: float | None = None


@dataclass(slots=True)
class Group:
    """Counters added up. `per_s` is None without a span; `unknown` features of instances are not in it."""

    key: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    ids: set[str] = field(default_factory=set[str])
    hosts: set[str] = field(default_factory=set[str])
    versions: set[str] = field(default_factory=set[str])
    per_s: float | None = None
    unknown: int = 0
    last_error: str = ""
    last_error_s: float = 0.0

    def add(self, one: Counted) -> None:
        """Count *one* in."""
        self.ids.add(one.instance.id)
        self.hosts.add(one.instance.host)
        self.versions.add(one.instance.version)
        if one.tally is None:
            self.unknown += 1
        else:
            self.tally.add(one.tally)
            if one.span_s:
                self.per_s = (self.per_s or 0.0) + one.tally.requests / one.span_s
        if one.endpoint.last_error and (one.endpoint.last_error_s or 0.0) >= self.last_error_s:
            self.last_error, self.last_error_s = one.endpoint.last_error, one.endpoint.last_error_s or 0.0

    @property
    def known(self) -> bool:
        """Is anything known of it? False when all that is in it is unknown."""
        return not self.unknown or self.unknown < len(self.ids)


def since_start(answers: Iterable[HostCounts]) -> list[Counted]:
    """All that *answers* count."""
    return [
        Counted(instance, endpoint, _difference(None, endpoint))
        for answer in answers
        for instance in answer.instances
        for endpoint in instance.endpoints.values()
    ]


def between(earlier: Mapping[str, HostCounts], later: Mapping[str, HostCounts]) -> list[Counted]:
    """What was counted between two readings (host → answer), by each host's own clock.

    A host that only *later* has is left out; an instance that is new since then counts from zero. A counter that
    went down is unknown.
    """
    found: list[Counted] = []
    for host, answer in later.items():
        before = earlier.get(host)
        if before is None or (span_s := _span_s(before, answer)) is None:
            continue
        known = {instance.id: instance.endpoints for instance in before.instances}
        for instance in answer.instances:
            base = known.get(instance.id, {})
            found += [
                Counted(instance, endpoint, _difference(base.get(name), endpoint), span_s)
                for name, endpoint in instance.endpoints.items()
            ]
    return found


def _span_s(before: HostCounts, after: HostCounts) -> float | None:
    """None when the host's clock stood, went back, or is unknown."""
    if before.as_of_s is None or after.as_of_s is None:
        return None
    span_s = after.as_of_s - before.as_of_s
    return span_s if 0 < span_s < 1e9 else None


def _difference(earlier: EndpointCounts | None, later: EndpointCounts) -> Tally | None:
    """None when the later one has less than the earlier one, or a crooked sketch."""
    if later.times is None:
        return None
    if earlier is None:
        return Tally(dict(later.outcomes), later.times)
    more = {
        code: later.outcomes.get(code, 0) - earlier.outcomes.get(code, 0)
        for code in {**earlier.outcomes, **later.outcomes}
    }
    if earlier.times is None or any(count < 0 for count in more.values()):
        return None
    try:
        return Tally({code: count for code, count in more.items() if count}, later.times.since(earlier.times))
    except ValueError:
        return None


def key_of(one: Counted, by: By) -> tuple[str, ...]:
    """What *one* is added up under."""
    instance = one.instance
    match by:
        case By.INSTANCE:
            return (one.endpoint.feature, instance.version, instance.id, instance.host)
        case By.FEATURE:
            return (one.endpoint.feature,)
        case By.VERSION:
            return (instance.package, instance.version)
        case By.PACKAGE:
            return (instance.package,)
        case By.HOST:
            return (instance.host,)


def grouped(counted: Iterable[Counted], by: By) -> list[Group]:
    """Added up, in the order of their keys; of instances those of a host together."""
    groups: dict[tuple[str, ...], Group] = {}
    for one in counted:
        key = key_of(one, by)
        if key not in groups:
            groups[key] = Group(key)
        groups[key].add(one)
    return [groups[key] for key in sorted(groups, key=lambda key: (*key[:2], *reversed(key[2:])))]


def errors_of(tally: Tally) -> int:
    """Requests that ended by the package's or the platform's fault."""
    return sum(count for code, count in tally.outcomes.items() if code in ERRORS)


def application_errors_of(tally: Tally) -> int:
    """Requests that ended as the package declares."""
    return tally.outcomes.get(Code.APPLICATION.name, 0)


def mean_ms(tally: Tally) -> float | None:
    """Of what was timed; None when nothing was."""
    timed = tally.sketch.count
    return tally.sketch.sum_ns / timed / _MS if timed else None


def quantile_ms(tally: Tally, q: float) -> float | None:
    """The *q*-quantile; None when nothing was timed."""
    value_ns = tally.sketch.quantile(q)
    return None if isnan(value_ns) else value_ns / _MS


def most_frequent(outcomes: Mapping[str, int]) -> str:
    """``OK=120,TIMEOUT=1``, the most frequent first."""
    return ",".join(f"{code}={n}" for code, n in sorted(outcomes.items(), key=lambda pair: (-pair[1], pair[0])))


def instance_documents(counted: Sequence[Counted]) -> list[dict[str, Any]]:
    """By instance, in the field names of NATS' micro services (times in ns), with outcomes, quantiles and sketch."""
    documents: dict[str, dict[str, Any]] = {}
    for one in counted:
        if one.instance.id not in documents:
            documents[one.instance.id] = instance_document(one.instance)
        documents[one.instance.id]["endpoints"].append(endpoint_document(one))
    return list(documents.values())


def instance_document(instance: InstanceCounts) -> dict[str, Any]:
    """Without its endpoints."""
    return {
        "name": instance.package,
        "id": instance.id,
        "version": instance.version,
        "host": instance.host,
        "zone": instance.zone,
        "started": _moment(instance.started_s),
        "state": instance.state,
        "slots": instance.slots,
        "in_flight": instance.in_flight,
        "queued": instance.queued,
        "endpoints": [],
    }


def endpoint_document(one: Counted) -> dict[str, Any]:
    """One endpoint."""
    return {
        "name": one.endpoint.feature,
        **tally_document(one.tally, one.span_s),
        "last_error": one.endpoint.last_error,
        "last_error_time": _moment(one.endpoint.last_error_s),
    }


def group_document(group: Group, names: Sequence[str]) -> dict[str, Any]:
    """One group under the *names* of its key's parts."""
    document = tally_document(group.tally if group.known else None, None)
    if group.per_s is not None:
        document["requests_per_s"] = round(group.per_s, 3)
    return {
        **dict(zip(names, group.key, strict=True)),
        "instances": len(group.ids),
        "hosts": len(group.hosts),
        **document,
        "unknown": group.unknown,
        "last_error": group.last_error,
        "last_error_time": _moment(group.last_error_s),
    }


def tally_document(tally: Tally | None, span_s: float | None) -> dict[str, Any]:
    """What was counted; all null when that is unknown."""
    if tally is None:
        return dict.fromkeys(_FIELDS)
    timed = tally.sketch.count
    index, count = tally.sketch.lists()
    document: dict[str, Any] = {
        "num_requests": tally.requests,
        "num_errors": errors_of(tally),
        "num_application_errors": application_errors_of(tally),
        "processing_time": tally.sketch.sum_ns,
        "average_processing_time": tally.sketch.sum_ns // timed if timed else 0,
        "outcomes": dict(sorted(tally.outcomes.items())),
        **{f"p{q * 100:.0f}_ms": _rounded(quantile_ms(tally, q)) for q in (0.5, 0.95, 0.99)},
        "sketch": {"index": index, "count": count, "zero": tally.sketch.zero, "sum": tally.sketch.sum_ns},
    }
    if span_s:
        document["requests_per_s"] = round(tally.requests / span_s, 3)
        document["span_s"] = round(span_s, 3)
    return document


def _rounded(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 3)


def _moment(unix_s: float | None) -> str | None:
    try:
        return rfc3339(unix_s) if unix_s and unix_s > 0 else None
    except (ValueError, OverflowError, OSError):  # a time that no calendar has
        return None


_FIELDS: Final = tuple(tally_document(Tally(), None))
