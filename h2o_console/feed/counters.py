"""Raw counters as agents answer them at ``/stats``, and the promises at ``/features``: parsed once, then values.

Pure. An agent may be older or newer than this program, so what is absent or of the wrong type becomes empty
or None; texts stay what they are until `h2o_console.text.safe` shows them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from h2o_console.feed import answers
from h2o_core.names import shown
from h2o_core.times import unix_s

MOST: Final = 1 << 62
"""Numbers beyond this are nobody's count; they would overflow a division later."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A sketch's lists as they came. What is in them is checked where it counts, in `windows.difference`.

    A busy host sends ten thousand of these numbers a second, and few of them change: looking at each one here
    would cost more than all the rest.
    """

    index: list[int]
    count: list[int]
    zero: int = 0
    sum_ns: int = 0


NO_SKETCH: Final = Sketch([], [])


@dataclass(frozen=True, slots=True)
class EndpointCounts:
    """One feature of one instance since its broker started. Never changed once parsed."""

    feature: str
    outcomes: Mapping[str, int]
    sketch: Sketch
    last_error: str = ""
    last_error_s: float | None = None


@dataclass(frozen=True, slots=True)
class InstanceCounts:
    """One instance as its own host's agent counts it; `started_s` is that host's clock (unix)."""

    id: str
    package: str
    version: str
    host: str
    zone: str
    state: str
    started_s: float | None = None
    slots: int | None = None
    in_flight: int | None = None
    queued: int | None = None
    endpoints: Mapping[str, EndpointCounts] = field(default_factory=dict[str, EndpointCounts])


@dataclass(frozen=True, slots=True)
class CallerCounts:
    """What one caller on this host got from one feature, counted at the origin. Never added to the above."""

    caller: str
    version: str
    feature: str
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class StatsAnswer:
    """A host's counters at `as_of_s` (its own clock, unix seconds; None when it did not say)."""

    host: str
    fleet: str
    as_of_s: float | None
    register_state: str
    silent_s: float | None
    incarnation: str
    broker_started_s: float | None
    instances: tuple[InstanceCounts, ...] = ()
    callers: tuple[CallerCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class Promise:
    """What a package version declares for one feature, in ms; None when it declares nothing."""

    feature: str
    package: str
    version: str
    mean_ms: float | None
    upper95_ms: float | None


def parse_stats(document: Mapping[str, Any]) -> StatsAnswer:
    """The answer of ``/stats``."""
    head = answers.parse_head(document)
    broker = answers.table(document, "broker")
    return StatsAnswer(
        host=head.host,
        fleet=head.fleet,
        as_of_s=unix_s(head.as_of),
        register_state=head.register_state,
        silent_s=head.silent_s,
        incarnation=str(broker.get("incarnation") or ""),
        broker_started_s=unix_s(answers.text(broker, "started")),
        instances=tuple(_instance(entry, head.host) for entry in answers.objects(document, "instances")),
        callers=tuple(map(_caller, answers.objects(document, "callers"))),
    )


def parse_promises(document: Mapping[str, Any]) -> tuple[Promise, ...]:
    """The answer of ``/features``."""
    return tuple(
        Promise(
            feature=shown(answers.text(entry, "name")),
            package=shown(answers.text(entry, "package")),
            version=answers.text(entry, "version"),
            mean_ms=_ms(entry, "mean_ms"),
            upper95_ms=_ms(entry, "upper95_ms"),
        )
        for entry in answers.objects(document, "features")
    )


def _instance(entry: Mapping[str, Any], host: str) -> InstanceCounts:
    endpoints = map(_endpoint, answers.objects(entry, "endpoints"))
    return InstanceCounts(
        id=answers.text(entry, "id"),
        package=shown(answers.text(entry, "name")),
        version=answers.text(entry, "version"),
        host=answers.text(entry, "host") or host,
        zone=answers.text(entry, "zone"),
        state=answers.text(entry, "state") or "unknown",
        started_s=unix_s(answers.text(entry, "started")),
        slots=answers.whole(entry, "slots"),
        in_flight=answers.whole(entry, "in_flight"),
        queued=answers.whole(entry, "queued"),
        endpoints={endpoint.feature: endpoint for endpoint in endpoints},
    )


def _endpoint(entry: Mapping[str, Any]) -> EndpointCounts:
    return EndpointCounts(
        feature=shown(answers.text(entry, "name")),
        outcomes=_counts(answers.table(entry, "outcomes")),
        sketch=_sketch(answers.table(entry, "sketch")),
        last_error=answers.text(entry, "last_error"),
        last_error_s=unix_s(answers.text(entry, "last_error_time")),
    )


def _caller(entry: Mapping[str, Any]) -> CallerCounts:
    return CallerCounts(
        caller=shown(answers.text(entry, "caller")),
        version=answers.text(entry, "version"),
        feature=shown(answers.text(entry, "feature")),
        outcomes=_counts(answers.table(entry, "outcomes")),
    )


def _counts(table: Mapping[str, Any]) -> Mapping[str, int]:
    return {code: count for code, count in table.items() if type(count) is int and 0 < count < MOST}


def _sketch(table: Mapping[str, Any]) -> Sketch:
    index, count = table.get("index"), table.get("count")
    if not isinstance(index, list) or not isinstance(count, list):
        return NO_SKETCH
    indexes, counts = cast("list[int]", index), cast("list[int]", count)
    if len(indexes) != len(counts):
        return NO_SKETCH
    return Sketch(indexes, counts, answers.whole(table, "zero") or 0, answers.whole(table, "sum") or 0)


def _ms(entry: Mapping[str, Any], key: str) -> float | None:
    value = answers.number(entry, key)
    return float(value) if value is not None and 0 < value < MOST else None
