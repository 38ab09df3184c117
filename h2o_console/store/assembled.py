"""Parts of hosts and packages → the whole picture that insights are drawn from. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_core.insights.counts import NOTHING, Counts, less
from h2o_core.insights.picture import Call, Control, Picture, Served
from h2o_core.insights.sums import grouped

if TYPE_CHECKING:
    from h2o_console.store.calls import Key as CallKey
    from h2o_console.store.package_part import PackagePart
    from h2o_console.store.past import Past
    from h2o_console.store.pictured import HostPart
    from h2o_core.insights.picture import Instance


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything that was read out of the store for one look.

    `calls`: of all hosts together, where hosts have only those of which there may be something to say; else empty.
    """

    hosts: Sequence[HostPart]
    packages: Sequence[PackagePart]
    calls: Mapping[CallKey, Counts]
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
    calls = [one for each in hosts for one in each.calls]
    return Picture(
        now_s=at_s,
        hosts=tuple(each.host for each in hosts if each.host is not None),
        instances=instances,
        children=tuple(one for each in hosts for one in each.children),
        served=(*(one for each in hosts if each.speaks for one in each.served), *_before(past, now_s, instances)),
        measured=tuple(one for each in parts.packages for one in each.measured),
        calls=(*calls, *_elsewhere(parts.calls, calls)),
        waiting=tuple(one for each in hosts for one in each.waiting),
        pools=tuple(one for each in hosts for one in each.pools),
        alarms=tuple(one for each in hosts for one in each.alarms),
        peaks=past.peaks(),
        sums=_of_speaking({**versions, **parts.calls}, hosts),
        control=parts.control,
    )


def _elsewhere(calls: Mapping[CallKey, Counts], told: Sequence[Call]) -> Iterator[Call]:
    """What is left of *calls* without those that are *told* by host."""
    known = grouped(told, lambda one: one.key)
    for key, counts in calls.items():
        yield Call(*key, "", less(counts, [one.now for one in known.get(key, ())]))


def _of_speaking(sums: Mapping[tuple[str, ...], Counts], hosts: Sequence[HostPart]) -> Mapping[tuple[str, ...], Counts]:
    """Those that no silent host has to do with: of the others only who speaks is to be added up."""
    silent = [each for each in hosts if not each.speaks]
    others = {one.key for each in silent for one in each.served if one.now.outcomes}
    return {key: counts for key, counts in sums.items() if key not in others}


def _before(past: Past, now_s: float, instances: Sequence[Instance]) -> Iterator[Served]:
    """Of all hosts together."""
    for (package, version), counts in past.before(now_s, instances).items():
        yield Served(package, version, "", NOTHING, counts)
