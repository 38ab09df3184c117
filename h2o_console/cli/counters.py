"""What an agent's ``/stats`` answers, parsed once. Pure, and as lenient as h2o_console.feed.answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from h2o_console.feed.answers import number, objects, text, whole

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One feature of one instance, counted by its broker since that started. Times in ns or ms, as named."""

    name: str
    requests: int | None
    errors: int | None
    application_errors: int | None
    average_ns: float | None
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    last_error: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class InstanceStats:
    """One instance's counters. `document` is the agent's own JSON, for those who read JSON."""

    id: str
    package: str
    version: str
    host: str
    endpoints: tuple[Endpoint, ...]
    document: Mapping[str, Any]


def parse_stats(document: Mapping[str, Any]) -> tuple[InstanceStats, ...]:
    """The answer of ``/stats``: one host's instances."""
    host = text(document, "host")
    return tuple(_instance_stats(entry, host) for entry in objects(document, "instances"))


def _instance_stats(entry: Mapping[str, Any], host: str) -> InstanceStats:
    return InstanceStats(
        id=text(entry, "id"),
        package=text(entry, "name").removeprefix("/"),
        version=text(entry, "version"),
        host=text(entry, "host") or host,
        endpoints=tuple(map(_endpoint, objects(entry, "endpoints"))),
        document=entry,
    )


def _endpoint(entry: Mapping[str, Any]) -> Endpoint:
    return Endpoint(
        name=text(entry, "name").removeprefix("/"),
        requests=whole(entry, "num_requests"),
        errors=whole(entry, "num_errors"),
        application_errors=whole(entry, "num_application_errors"),
        average_ns=number(entry, "average_processing_time"),
        p50_ms=number(entry, "p50_ms"),
        p95_ms=number(entry, "p95_ms"),
        p99_ms=number(entry, "p99_ms"),
        last_error=text(entry, "last_error"),
        document=entry,
    )
