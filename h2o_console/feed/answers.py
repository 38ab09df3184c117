"""What agents answer, parsed once: instances and hosts. Pure: JSON objects in, checked values out.

An agent may be older or newer than this program: what is absent or of the wrong type becomes empty or None,
never an exception, and names stay what they are until they are printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


def text(document: Mapping[str, Any], key: str) -> str:
    """A text, or "" for anything else."""
    value = document.get(key)
    return value if isinstance(value, str) else ""


def number(document: Mapping[str, Any], key: str) -> float | None:
    """A number, or None for anything else."""
    value = document.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(document: Mapping[str, Any], key: str) -> int | None:
    """A whole number, or None for anything else."""
    value = document.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def objects(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A list's objects; whatever else is in it is left out."""
    return [cast("dict[str, Any]", entry) for entry in listed(document, key) if isinstance(entry, dict)]


def listed(document: Mapping[str, Any], key: str) -> list[Any]:
    """A list, or an empty one for anything else."""
    value: Any = document.get(key)
    return cast("list[Any]", value) if isinstance(value, list) else []


def table(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object, or an empty one for anything else."""
    value: Any = document.get(key)
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance. `package` has no leading slash; numbers are None when unknown."""

    id: str
    package: str
    version: str
    host: str
    zone: str = ""
    state: str = "unknown"
    routable: bool | None = None
    why: str = ""
    slots: int | None = None
    in_flight: int | None = None
    queued: int | None = None
    started: str = ""
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class Host:
    """One host as the asked broker sees it. `agent` is ``host:port``; it and `register` are empty without one.

    `conducts`: that agent is the fleet's conductor.
    """

    host: str
    zone: str = ""
    address: str = ""
    incarnation: str = ""
    link: str = ""
    why: str = ""
    rtt_ms: float | None = None
    agent: str = ""
    instances: int | None = None
    register: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    conducts: bool = False


@dataclass(frozen=True, slots=True)
class Head:
    """Whose picture it is and how old. `source` is ``agent`` or ``zookeeper``; `as_of` RFC 3339.

    `picture_age_s`: how old what is known of hosts may be; 0 while ZooKeeper is there. `report_age_s`: since the
    agent's broker last answered. `from_file`: all that is known comes from the broker's last-known file.
    """

    fleet: str
    host: str
    source: str
    as_of: str
    picture_age_s: float | None = None
    register_state: str = ""
    silent_s: float | None = None
    report_age_s: float | None = None
    from_file: bool = False


def parse_head(document: Mapping[str, Any], source: str = "agent") -> Head:
    """The part that all of an agent's answers begin with."""
    register = table(document, "register")
    return Head(
        fleet=text(document, "fleet"),
        host=text(document, "host"),
        source=source,
        as_of=text(document, "as_of"),
        picture_age_s=number(document, "picture_age_s"),
        register_state=text(register, "state"),
        silent_s=number(register, "silent_s"),
        report_age_s=number(document, "report_age_s"),
        from_file=register.get("from_file") is True,
    )


def parse_alarms(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What ``/hosts`` says is wrong with the register: a sentence each."""
    return tuple(f"{text(one, 'path')}: {text(one, 'what')}" for one in objects(document, "alarms"))


def parse_instances(document: Mapping[str, Any]) -> tuple[Instance, ...]:
    """The answer of ``/instances``."""
    return tuple(map(_instance, objects(document, "instances")))


def _instance(entry: Mapping[str, Any]) -> Instance:
    routable = entry.get("routable")
    return Instance(
        id=text(entry, "id"),
        package=text(entry, "package").removeprefix("/"),
        version=text(entry, "version"),
        host=text(entry, "host"),
        zone=text(entry, "zone"),
        state=text(entry, "state") or "unknown",
        routable=routable if isinstance(routable, bool) else None,
        why=text(entry, "why"),
        slots=whole(entry, "slots"),
        in_flight=whole(entry, "in_flight"),
        queued=whole(entry, "queued"),
        started=text(entry, "started"),
        pid=whole(entry, "pid"),
    )


def parse_hosts(document: Mapping[str, Any]) -> tuple[Host, ...]:
    """The answer of ``/hosts``."""
    return tuple(map(_host, objects(document, "hosts")))


def _host(entry: Mapping[str, Any]) -> Host:
    incarnation = entry.get("incarnation")
    return Host(
        host=text(entry, "host"),
        zone=text(entry, "zone"),
        address=text(entry, "address"),
        incarnation=f"{incarnation:016x}" if isinstance(incarnation, int) else text(entry, "incarnation"),
        link=text(entry, "link"),
        why=text(entry, "why"),
        rtt_ms=number(entry, "rtt_ms"),
        agent=text(entry, "agent"),
        instances=whole(entry, "instances"),
        register=text(entry, "register"),
        labels={key: value for key, value in table(entry, "labels").items() if isinstance(value, str)},
        conducts=entry.get("conducts") is True,
    )
