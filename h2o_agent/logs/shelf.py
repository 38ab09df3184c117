"""Which logs a host has, and whose they are: its children's, its broker's, its agent's, and of children that left."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_agent.logs.files import LOG_SUFFIX, OLD_SUFFIX
from h2o_agent.order import BROKER
from h2o_core.logs import HOST_NAME, INSTANCE_ID, SERVICE_NAME, SERVICE_VERSION

if TYPE_CHECKING:
    from h2o_agent.logs.trail import Trail
    from h2o_agent.snapshot import Snapshot

AGENT: Final = "agent"
_ID_CHARACTERS: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class LogSource:
    """One child's log. `package`: as shown, empty for broker and agent. `resource`: of its process now, if any."""

    key: str
    package: str
    resource: dict[str, str]
    ids: tuple[str, ...] = ()
    """What its process is known by: instance id and launch token."""


@dataclass(slots=True)
class Shelf:
    """The logs directory of a host, and who reads there at the moment."""

    directory: Path
    host: str
    version: str
    trails: set[Trail] = field(default_factory=set["Trail"])
    growth: dict[int, list[tuple[int, float]]] = field(default_factory=dict[int, list[tuple[int, float]]])
    """By inode: (size, Unix seconds) of the last times that a file was found longer; the keeper notes it."""
    dropped_lines: int = 0
    """Lines that this host's processes could not write, as far as they could say so, since the agent started."""
    closing: bool = False
    """The agent leaves: nobody is to follow any longer."""

    def sources(self, snapshot: Snapshot) -> dict[str, LogSource]:
        """By key, in order of keys."""
        registered = (
            {each.launch: (each.instance, each.version) for each in snapshot.told.report.instances}
            if snapshot.told is not None
            else {}
        )
        found = {key: self._own(key) for key in (AGENT, BROKER)}
        for child in snapshot.children:
            instance, version = registered.get(child.token, ("", ""))
            ids = tuple(each for each in (instance, child.token) if each)
            resource = self._resource(child.package, version, ids[0] if ids else child.key)
            found[child.key] = LogSource(child.key, child.package, resource, ids)
        for key in self._on_disk():
            if key not in found:
                package = package_of(key)
                found[key] = LogSource(key, package, self._resource(package or key, "", key))
        return dict(sorted(found.items()))

    def seen_s(self, inode: int, offset: int) -> float | None:
        """When that much of the file was there first, as far as the agent has seen it: good to a second."""
        noted = self.growth.get(inode)
        if not noted or offset > noted[-1][0]:
            return None
        at = bisect_left(noted, (offset, 0.0))
        return noted[at][1] if at else None

    def _own(self, key: str) -> LogSource:
        return LogSource(key, "", self._resource(key, self.version, f"{self.host}/{key}"))

    def _resource(self, name: str, version: str, instance: str) -> dict[str, str]:
        return {SERVICE_NAME: name, SERVICE_VERSION: version, INSTANCE_ID: instance, HOST_NAME: self.host}

    def _on_disk(self) -> set[str]:
        try:
            entries = [path.name for path in self.directory.iterdir()]
        except OSError:
            return set()
        current = {name.removesuffix(LOG_SUFFIX) for name in entries if name.endswith(LOG_SUFFIX)}
        return current | {name.removesuffix(OLD_SUFFIX) for name in entries if name.endswith(OLD_SUFFIX)}


def package_of(key: str) -> str:
    """``service.customer-3f2a91-1`` → ``service/customer``; empty for what is no child's key."""
    stem = key.rsplit("-", 2)
    return stem[0].replace(".", "/", 1) if len(stem) == 3 and "." in stem[0] else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for: by key the instances whose lines are wanted, none for all of the file."""

    ids: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...] = ()
    """Names that mean nothing on this host."""


def choose(sources: Mapping[str, LogSource], instances: Sequence[str], packages: Sequence[str]) -> Choice:
    """By child key, by instance id or its beginning (also of instances that have ended), by package; all without."""
    if not instances and not packages:
        return Choice(dict.fromkeys(sources, ()))
    named = {_package(each) for each in packages}
    whole = {key for key, source in sources.items() if source.package in named} | (set(instances) & set(sources))
    unknown = [each for each in packages if all(source.package != _package(each) for source in sources.values())]
    ids: dict[str, tuple[str, ...]] = {}
    for name in instances:
        if name in sources:
            continue
        holders = [key for key, source in sources.items() if any(each.startswith(name) for each in source.ids)]
        if not holders and not _may_be_id(name):
            unknown.append(name)
            continue
        for key in holders or sources:  # an id that no process has now may be in any file
            ids[key] = (*ids.get(key, ()), name, *(sources[key].ids if holders else ()))
    chosen = {key: () if key in whole else ids[key] for key in sources if key in whole or key in ids}
    return Choice(chosen, tuple(unknown))


def _may_be_id(name: str) -> bool:
    return len(name) >= 4 and set(name) <= _ID_CHARACTERS


def _package(name: str) -> str:
    bare = name.strip("/")
    return bare.replace(".", "/", 1) if "/" not in bare else bare
