"""What is known when a plan is made: what is decided, and what the fleet is and does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from h2o_core.control.hosts import parse_host_control
from h2o_core.control.settings import FleetSettings, parse_settings
from h2o_core.control.traffic import parse_traffic
from h2o_core.documents import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from h2o_core.audit import Edit
    from h2o_core.control.epoch import Change
    from h2o_core.control.hosts import HostControl
    from h2o_core.control.traffic import Traffic

SETTINGS: Final = "control/fleet"
TRAFFICS: Final = "control/traffic/"
HOSTS: Final = "control/hosts/"
FRESH_S: Final = 10.0
"""Agents report once a second: who has said nothing for so long is not known to have any capacity."""


@dataclass(frozen=True, slots=True)
class Decided:
    """All control documents at one epoch.

    `documents`: path below the fleet's root (``control/traffic/service.a``) → bytes. `traffic` by package, `hosts` by
    host: what could be parsed; `unreadable`: path → why not. `changes`: the last ones, oldest first.
    """

    epoch: int
    documents: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    traffic: Mapping[str, Traffic] = field(default_factory=dict[str, "Traffic"])
    hosts: Mapping[str, HostControl] = field(default_factory=dict[str, "HostControl"])
    settings: FleetSettings = FleetSettings()  # noqa: RUF009 - frozen
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])
    changes: tuple[Change, ...] = ()

    def with_edits(self, edits: Iterable[Edit]) -> Decided:
        """What would be decided after them."""
        documents = dict(self.documents)
        for edit in edits:
            if edit.after is None:
                documents.pop(edit.path, None)
            else:
                documents[edit.path] = edit.after
        return decided_of(self.epoch, documents, self.changes)

    def last_change(self, path: str) -> int | None:
        """The epoch of the last of `changes` that wrote *path*."""
        return next((one.epoch for one in reversed(self.changes) if path in one.paths), None)


def decided_of(epoch: int, documents: Mapping[str, bytes], changes: tuple[Change, ...] = ()) -> Decided:
    """Parse *documents* (path below the fleet's root → bytes); what can't be read is said in `unreadable`."""
    traffic: dict[str, Traffic] = {}
    hosts: dict[str, HostControl] = {}
    settings = FleetSettings()
    unreadable: dict[str, str] = {}
    for path, data in documents.items():
        try:
            if path == SETTINGS:
                settings = parse_settings(path, data)
            elif path.startswith(TRAFFICS):
                parsed = parse_traffic(path, data)
                traffic[parsed.package] = parsed
            elif path.startswith(HOSTS):
                control = parse_host_control(path, data)
                hosts[control.host] = control
        except InvalidDocument as error:
            unreadable[path] = error.sentence
    return Decided(epoch, dict(documents), traffic, hosts, settings, unreadable, changes)


@dataclass(frozen=True, slots=True)
class Host:
    """A server. `alive`: its broker is in the register. `age_s`: of what its agent says of it; None: it is silent.

    `healthy`: nothing of severity page is wrong there; None: not known.
    """

    name: str
    zone: str = ""
    alive: bool = True
    age_s: float | None = None
    healthy: bool | None = None

    @property
    def fresh(self) -> bool:
        """What is known of it holds now."""
        return self.alive and self.age_s is not None and self.age_s <= FRESH_S


@dataclass(frozen=True, slots=True)
class Instance:
    """One running process of a package. Of a silent host: as the register has it, and then taken for ready.

    `ready`: it takes requests (it is not starting, leaving or gone). `failing`: ejected, suspect, or a check of
    severity page fails.
    """

    id: str
    package: str
    version: str
    host: str
    slots: int
    ready: bool = True
    failing: bool = False


@dataclass(frozen=True, slots=True)
class Demand:
    """What a version has had to do in the last minutes in which it was healthy, on all hosts together.

    `busy`: slots that were busy on average (requests/s × healthy service time in s). `rate_per_s`: requests.
    `error_share`: 0 … 1, of now, without declared application errors. None: not known, which is not 0.
    """

    busy: float | None = None
    rate_per_s: float | None = None
    error_share: float | None = None


@dataclass(frozen=True, slots=True)
class Fleet:
    """Hosts by name, instances, and for each package its versions in the order of registration.

    `demand` by (package, version): who is not in it has an unknown one. `min_available`: package → how many
    instances its author wants at least; who is not in it wants one.
    """

    hosts: Mapping[str, Host] = field(default_factory=dict[str, Host])
    instances: tuple[Instance, ...] = ()
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    demand: Mapping[tuple[str, str], Demand] = field(default_factory=dict[tuple[str, str], Demand])
    min_available: Mapping[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that a plan is made of."""

    decided: Decided
    fleet: Fleet
