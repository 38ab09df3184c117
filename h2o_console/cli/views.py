"""What reading commands show, whoever told it: all instances, or all hosts, and how old that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from h2o_console.feed.answers import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_console.feed.answers import Head, Host, Instance


@dataclass(frozen=True, slots=True)
class InstancesView:
    """All instances. `entries` are their JSON objects, in the same order."""

    head: Head
    instances: tuple[Instance, ...]
    entries: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class HostsView:
    """All hosts. `entries` are their JSON objects, in the same order."""

    head: Head
    hosts: tuple[Host, ...]
    entries: tuple[Mapping[str, Any], ...]


def document_of(head: Head, key: str, entries: Iterable[Mapping[str, Any]], **more: Any) -> dict[str, Any]:
    """The JSON that a command prints: who says so and how old it is, then *entries* under *key*."""
    return {
        "schema": SCHEMA,
        "fleet": head.fleet,
        "host": head.host,
        "source": head.source,
        "as_of": head.as_of,
        "picture_age_s": head.picture_age_s,
        "report_age_s": head.report_age_s,
        "register": {"state": head.register_state, "silent_s": head.silent_s},
        key: [dict(entry) for entry in entries],
        **more,
    }
