"""What happened in a stretch of time, from what agents remember: instances that came and went, errors, gaps. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from h2o_console.commands.demand import failed, requests
from h2o_core.names import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_core.pb.host_pb2 import History, Point

ERROR_SHARE: Final = 0.05
"""From this share of failed requests on a point belongs to a peak; declared application errors are no failures."""
LEAST_REQUESTS: Final = 20
"""In one point; a share of fewer says nothing."""
_APART_POINTS: Final = 3
"""So many quiet points between two bad ones are still the same peak."""


class Kind(StrEnum):
    """What sort of event."""

    CHANGE = "change"
    CALL = "call"
    INSTANCES = "instances"
    ERRORS = "errors"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at `at_s` (Unix time), until `until_s` if it lasted (0: it did not).

    `subject`: a package, a host or a change. `by`: who decided it, "" where nobody did.
    """

    at_s: float
    kind: Kind
    subject: str
    what: str
    by: str = ""
    until_s: float = 0.0


def events_of(histories: Mapping[str, History], since_s: float, until_s: float) -> list[Event]:
    """Within [since_s, until_s], in order of time; *histories* by host, all of one resolution."""
    found: list[Event] = []
    bad: dict[tuple[str, str], list[tuple[float, int, int]]] = defaultdict(list)
    resolution_s = max((history.resolution_s for history in histories.values()), default=0.0) or 10.0
    for host, history in histories.items():
        for series in history.series:
            points = [point for point in series.points if since_s <= point.t_s <= until_s]
            name = f"{shown(series.package)} {series.version}"
            if series.kind == "package":
                found += _instances(host, name, points)
                bad[series.package, series.version] += [(one.t_s, requests(one), failed(one)) for one in points]
            elif series.kind == "host":
                found += _gaps(host, points, resolution_s)
    for (package, version), counted in bad.items():
        found += _peaks(f"{shown(package)} {version}", counted, resolution_s)
    return sorted(found, key=lambda one: (one.at_s, one.kind, one.subject, one.what))


def _instances(host: str, name: str, points: Sequence[Point]) -> list[Event]:
    pairs = pairwise(points)
    return [
        Event(later.t_s, Kind.INSTANCES, name, f"{earlier.instances} → {later.instances} ready on {host}")
        for earlier, later in pairs
        if earlier.instances != later.instances
    ]


def _gaps(host: str, points: Sequence[Point], resolution_s: float) -> list[Event]:
    """Times of which the host knows nothing: its broker did not answer its agent, or neither ran."""
    found: list[Event] = []
    for earlier, later in pairwise(points):
        missing_s = later.t_s - earlier.t_s - resolution_s
        if missing_s > resolution_s:
            began_s = earlier.t_s + resolution_s
            found.append(Event(began_s, Kind.GAP, host, f"nothing was counted for {missing_s:.0f} s", "", later.t_s))
    return found


def _peaks(name: str, counted: Iterable[tuple[float, int, int]], resolution_s: float) -> list[Event]:
    """Stretches in which many of all hosts' requests of a version failed."""
    sums: dict[float, tuple[int, int]] = {}
    for t_s, many, wrong in counted:
        slot_s = t_s // resolution_s * resolution_s
        before = sums.get(slot_s, (0, 0))
        sums[slot_s] = (before[0] + many, before[1] + wrong)
    peaks: list[list[float]] = []
    for t_s, (many, wrong) in sorted(sums.items()):
        if many >= LEAST_REQUESTS and wrong >= ERROR_SHARE * many:
            if peaks and t_s - peaks[-1][-1] <= (_APART_POINTS + 1) * resolution_s:
                peaks[-1].append(t_s)
            else:
                peaks.append([t_s])
    found: list[Event] = []
    for peak in peaks:
        many, wrong = (sum(sums[t_s][at] for t_s in peak) for at in (0, 1))
        worst = max(sums[t_s][1] / sums[t_s][0] for t_s in peak)
        what = f"{wrong:,} of {many:,} requests failed, up to {worst:.0%} in {resolution_s:.0f} s"
        found.append(Event(peak[0], Kind.ERRORS, name, what, "", peak[-1] + resolution_s))
    return found
