"""Parts of hosts and packages → the whole picture that insights are drawn from. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_core.insights.counts import NOTHING, Counts
from h2o_core.insights.picture import Call, Control, Picture, Served

if TYPE_CHECKING:
    from h2o_console.store.package_part import PackagePart
    from h2o_console.store.past import Past, Version
    from h2o_console.store.pictured import HostPart
    from h2o_core.insights.picture import Instance


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that was read out of the store for one look."""

    hosts: Sequence[HostPart]
    packages: Sequence[PackagePart]
    calls: Sequence[Call]
    control: Control | None


def picture_of(parts: Parts, past: Past, at_s: float, now_s: float) -> Picture:
    """*at_s*: Unix time, *now_s*: the store's. *past* takes in what is the present now, too."""
    hosts = parts.hosts
    instances = tuple(one for each in hosts for one in each.instances)
    ready = Counter(one.package for one in instances if one.ready)
    versions = {
        (each.package, version): counts for each in parts.packages for version, counts in each.versions().items()
    }
    past.sample(versions.items(), ready, now_s)
    return Picture(
        now_s=at_s,
        hosts=tuple(each.host for each in hosts if each.host is not None),
        instances=instances,
        children=tuple(one for each in hosts for one in each.children),
        served=(*(one for each in hosts if each.speaks for one in each.served), *_before(past, now_s, instances)),
        measured=tuple(one for each in parts.packages for one in each.measured),
        calls=(*(one for each in hosts for one in each.calls), *parts.calls),
        waiting=tuple(one for each in hosts for one in each.waiting),
        pools=tuple(one for each in hosts for one in each.pools),
        alarms=tuple(one for each in hosts for one in each.alarms),
        peaks=past.peaks(),
        versions=_told(versions, hosts),
        control=parts.control,
    )


def _told(versions: Mapping[Version, Counts], hosts: Sequence[HostPart]) -> Mapping[Version, Counts]:
    """Those that no silent host has to do with: of the others only who speaks is to be added up."""
    silent = (one for each in hosts if not each.speaks for one in each.served)
    untold = {(one.package, one.version) for one in silent if one.now.outcomes}
    return {version: counts for version, counts in versions.items() if version not in untold}


def _before(past: Past, now_s: float, instances: Sequence[Instance]) -> Iterator[Served]:
    """Of all hosts together."""
    for (package, version), counts in past.before(now_s, instances).items():
        yield Served(package, version, "", NOTHING, counts)
