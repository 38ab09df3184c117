"""A picture's counts added up the ways that findings need them: by package, version, host, and who calls whom. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_core.insights.counts import ended, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from h2o_core.insights.counts import Counts
    from h2o_core.insights.picture import Call, Host, Instance, Picture, Served

SILENT_S: Final = 10.0
"""Agents report once a second; what is older does not count as known any more."""
Key = TypeVar("Key")
Item = TypeVar("Item")


def grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """By *key*."""
    groups: defaultdict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)


class Sums:
    """Reads a picture; each sum is made once, when it is first asked for."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture

    @cached_property
    def hosts(self) -> Mapping[str, Host]:
        """By name."""
        return {host.name: host for host in self.picture.hosts}

    @cached_property
    def silent(self) -> frozenset[str]:
        """Hosts whose agents have said nothing for too long."""
        return frozenset(one.name for one in self.picture.hosts if one.age_s is None or one.age_s > SILENT_S)

    @cached_property
    def served(self) -> Mapping[str, Sequence[Served]]:
        """By package, of hosts that speak."""
        speaking = (one for one in self.picture.served if one.host not in self.silent)
        return grouped(speaking, lambda one: one.package)

    @cached_property
    def now(self) -> Mapping[str, Counts]:
        """By package, lately."""
        return {
            package: together(counts for _, counts in versions)
            for package, versions in grouped(self.versions.items(), lambda one: one[0][0]).items()
        }

    @cached_property
    def before(self) -> Mapping[str, Counts]:
        """By package, some time before; packages of which that is known."""
        known = {
            package: [one.before for one in rows if one.before is not None] for package, rows in self.served.items()
        }
        return {package: together(counts) for package, counts in known.items() if counts}

    @cached_property
    def alike(self) -> Mapping[tuple[str, str], Sequence[Served]]:
        """By package and version, of hosts that speak."""
        return grouped((one for rows in self.served.values() for one in rows), lambda one: one.key)

    @cached_property
    def versions(self) -> Mapping[tuple[str, str], Counts]:
        """By package and version, lately."""
        return {key: self._whole(key, rows) for key, rows in self.alike.items()}

    def _whole(self, key: tuple[str, str], rows: Sequence[Served]) -> Counts:
        known = self.picture.sums.get(key)
        if known is None:
            return together(one.now for one in rows)
        return replace(known, span_s=max(one.now.span_s for one in rows))

    @cached_property
    def instances(self) -> Mapping[str, Sequence[Instance]]:
        """By package."""
        return grouped(self.picture.instances, lambda one: one.package)

    @cached_property
    def calls(self) -> Mapping[str, Sequence[Call]]:
        """By the package that is called."""
        return grouped(self.picture.calls, lambda one: one.package)

    @cached_property
    def called(self) -> Mapping[str, Counts]:
        """What callers got from a package, without how long it took."""
        return {package: ended(one.now for one in rows) for package, rows in self.calls.items()}

    @cached_property
    def callees(self) -> Mapping[str, Mapping[str, Sequence[Call]]]:
        """Caller → package that it calls → its calls."""
        by_caller = grouped(self.picture.calls, lambda one: one.caller)
        return {caller: grouped(rows, lambda one: one.package) for caller, rows in by_caller.items()}

    def ready(self, package: str, version: str = "", *, but: frozenset[str] = frozenset()) -> list[Instance]:
        """Its ready instances, of that version ("": of any), without those on the hosts *but*."""
        return [
            one
            for one in self.instances.get(package, ())
            if one.ready and (not version or one.version == version) and one.host not in but
        ]
