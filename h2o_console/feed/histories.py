"""What agents answer at ``/history``, as far as it can be believed. Pure.

A host's own clock says when something was; told as how long before the answer, no other clock has to agree with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_console.store.outcomes import by_code
from h2o_core.histogram import Histogram
from h2o_core.pb.host_pb2 import History

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.pb.stats_pb2 import Sketch

HOST: Final = "host"
PACKAGE: Final = "package"
MOST: Final = 1 << 53
_INDEXES: Final = range(-512, 2048)
"""Others would overflow when they become times (see `h2o_console.store.windows`)."""
_MOST_AGO_S: Final = 1e6
_MOST_INSTANCES: Final = 1 << 20


class NoHistory(ValueError):
    """What was answered is none, or another's; the sentence says what."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a version did on a host in one slot of time, which ended *ago_s* before the host told of it.

    `package` as the wire has it; `ready`: so many instances at the slot's end.
    """

    ago_s: float
    package: str
    version: str
    outcomes: Mapping[str, int]
    times: Histogram
    ready: int


def parse_history(host: str, body: bytes, slot_s: float) -> History:
    """*host*'s answer in slots of *slot_s*; raises NoHistory."""
    try:
        history = History.FromString(body)
    except DecodeError:
        msg = "what it answers is no history: is its agent older or newer? h2o version"
        raise NoHistory(msg) from None
    if history.host != host:
        msg = f"its address is answered by {history.host or 'nobody who has a name'}"
        raise NoHistory(msg)
    if history.resolution_s != slot_s:
        msg = f"it answers points of {history.resolution_s:g} s, not of {slot_s:g} s: is its agent older?"
        raise NoHistory(msg)
    return history


def remembered(history: History) -> Iterator[Remembered]:
    """Its versions, slot by slot."""
    for series in history.series:
        if series.kind != PACKAGE:
            continue
        package, version = series.package, series.version
        for point in series.points:
            ago_s = history.as_of_s - point.t_s - history.resolution_s
            if 0 <= ago_s < _MOST_AGO_S:
                ready = min(point.instances, _MOST_INSTANCES)
                outcomes, times = by_code(point.outcomes), sketch_of(point.processing)
                yield Remembered(ago_s, package, version, outcomes, times, ready)


def sketch_of(wire: Sketch) -> Histogram:
    """What of a sketch can be believed: all of it, mostly, and that is seen without a look at each of its buckets."""
    made = Histogram()
    index, count = wire.index[: len(_INDEXES)], wire.count[: len(_INDEXES)]
    if index and count:
        sound = min(index) in _INDEXES and max(index) in _INDEXES and min(count) > 0 and max(count) < MOST
        pairs = zip(index, count, strict=False)
        made.buckets = dict(pairs if sound else (one for one in pairs if one[0] in _INDEXES and 0 < one[1] < MOST))
    made.zero, made.sum_ns = min(wire.zero, MOST), min(wire.sum, MOST)
    return made
