"""The fleet's picture as a fold: documents in, the events that they amount to out. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from h2o_core.control.settings import FleetSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.znodes.live import LiveHost, LiveInstance
    from h2o_core.znodes.packages import PackageVersion


@dataclass(frozen=True, slots=True)
class HostUp:
    """A broker's new incarnation. `host` is without instances: an InstanceUp for each follows."""

    host: LiveHost


@dataclass(frozen=True, slots=True)
class HostChanged:
    """The same incarnation says something else of itself (labels, zone); its instances stay."""

    host: LiveHost


@dataclass(frozen=True, slots=True)
class HostDown:
    """An incarnation is gone, and all its instances with it: no InstanceDown comes for them."""

    host: str
    incarnation: int


@dataclass(frozen=True, slots=True)
class InstanceUp:
    """An instance can be routed to."""

    host: str
    instance: LiveInstance


@dataclass(frozen=True, slots=True)
class InstanceDown:
    """An instance has left or died while its host lives on."""

    host: str
    id: str


@dataclass(frozen=True, slots=True)
class VersionSeen:
    """A package version is known, or (`h2o dev`) known anew with another digest."""

    version: PackageVersion


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    """The fleet's settings are these now."""

    settings: FleetSettings


Event: TypeAlias = HostUp | HostChanged | HostDown | InstanceUp | InstanceDown | VersionSeen | SettingsChanged


class Inventory:
    """What the register says. Putting the same document twice changes nothing and returns no event."""

    def __init__(self) -> None:
        self._hosts: dict[str, LiveHost] = {}
        self._versions: dict[tuple[str, str], PackageVersion] = {}
        self.settings = FleetSettings()
        self.version = 0
        """Raised by every call that changed something."""

    @property
    def hosts(self) -> Mapping[str, LiveHost]:
        """Host → its document; instances ordered by id."""
        return self._hosts

    @property
    def versions(self) -> Mapping[tuple[str, str], PackageVersion]:
        """(package, version) → its manifest."""
        return self._versions

    def put_host(self, live: LiveHost) -> list[Event]:
        """A host's document was seen; a changed incarnation is the old one's end and the new one's start."""
        live = replace(live, instances=tuple(sorted(live.instances, key=lambda one: one.id)))
        old = self._hosts.get(live.host)
        if old == live:
            return []
        self._hosts[live.host] = live
        events: list[Event] = []
        if old is None or old.incarnation != live.incarnation:
            if old is not None:
                events.append(HostDown(old.host, old.incarnation))
            events.append(HostUp(replace(live, instances=())))
            events += [InstanceUp(live.host, one) for one in live.instances]
        else:
            if replace(old, instances=()) != replace(live, instances=()):
                events.append(HostChanged(replace(live, instances=())))
            events += _instance_events(live.host, set(old.instances), set(live.instances))
        return self._changed(events)

    def drop_host(self, host: str) -> list[Event]:
        """A host's node is gone."""
        old = self._hosts.pop(host, None)
        return [] if old is None else self._changed([HostDown(host, old.incarnation)])

    def put_version(self, version: PackageVersion) -> list[Event]:
        """A manifest was seen."""
        key = (version.package, version.version)
        old = self._versions.get(key)
        if old is not None and (old, old.created) == (version, version.created):
            return []
        self._versions[key] = version
        return self._changed([VersionSeen(version)])

    def put_settings(self, settings: FleetSettings) -> list[Event]:
        """The fleet's settings were seen."""
        if settings == self.settings:
            return []
        self.settings = settings
        return self._changed([SettingsChanged(settings)])

    def _changed(self, events: list[Event]) -> list[Event]:
        self.version += 1
        return events


def _instance_events(host: str, old: set[LiveInstance], new: set[LiveInstance]) -> list[Event]:
    """Those that went first: an id with other contents goes and comes."""
    events: list[Event] = [InstanceDown(host, one.id) for one in sorted(old - new, key=lambda one: one.id)]
    events += [InstanceUp(host, one) for one in sorted(new - old, key=lambda one: one.id)]
    return events
