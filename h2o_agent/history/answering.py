"""What is asked of the history, and the answer from its points: bounded, merged, oldest first. Pure."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError

from h2o_agent.history.tally import Tally
from h2o_core.pb.host_pb2 import History, Point, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from h2o_agent.history.rings import Frame, Key

HOST: Final = "host"
PACKAGE: Final = "package"
KINDS: Final = (HOST, PACKAGE)
MINUTE_S: Final = 60
_MOST_UNPACKED_BYTES: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class Query:
    """Empty texts: all. `package` has its leading slash; `since_s` is Unix time."""

    resolution_s: int
    kind: str = ""
    package: str = ""
    since_s: float = 0.0

    def wants(self, key: Key) -> bool:
        """Is this series asked for?"""
        kind, package, _ = key
        if self.package and package != self.package:
            return False
        return not self.kind or kind == self.kind


Sample = tuple[float, "Key", bytes]
"""When, of what, and a `Point` as bytes: as an object it would hold on to the whole minute that it came in."""

_TIME: Final = struct.Struct("<d")


def samples_of(frames: Iterable[Frame], query: Query) -> Iterator[Sample]:
    """The points of frames that are asked for."""
    for frame in frames:
        for key, point in frame.points.items():
            if query.wants(key):
                yield frame.t_s, key, point


def minute(frame: Frame) -> bytes:
    """A minute as it goes to the disk: its time, then the packed rest; 20 busy versions take 8 KiB and not 21."""
    series = [
        Series(kind=kind, package=package, version=version, points=[Point.FromString(point)])
        for (kind, package, version), point in frame.points.items()
    ]
    return _TIME.pack(frame.t_s) + zlib.compress(History(series=series).SerializeToString())


def samples_in(body: bytes, query: Query, until_s: float) -> list[Sample]:
    """What is asked for of a minute's record, if it is of a time asked for; raises ValueError when it is none."""
    if len(body) < _TIME.size:
        msg = "it is too short"
        raise ValueError(msg)
    (t_s,) = _TIME.unpack_from(body)
    if not query.since_s <= t_s <= until_s:
        return []
    samples: list[Sample] = []
    try:
        # hostile: a kilobyte can unpack to a megabyte
        unpacked = zlib.decompressobj().decompress(body[_TIME.size :], _MOST_UNPACKED_BYTES)
        for series in History.FromString(unpacked).series:
            key = (series.kind, series.package, series.version)
            if query.wants(key):
                samples.extend((t_s, key, _stamped(point, t_s)) for point in series.points)
    except (DecodeError, zlib.error) as error:
        raise ValueError(str(error)) from None
    return samples


def _stamped(point: Point, t_s: float) -> bytes:
    """The record's time counts, whatever its points say: it has been checked."""
    point.t_s = t_s
    return point.SerializeToString()


class Answer:
    """Collects samples in whatever order; `history` gives the newest that fit into *most_bytes*."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._size_bytes = 0
        self._times: dict[float, dict[Key, bytes]] = {}
        self.truncated = False
        """Somebody has left out what is older."""
        self.refused_bytes = 0

    @property
    def full(self) -> bool:
        """Nothing older will fit."""
        return self._size_bytes > self._most_bytes

    def add(self, samples: Iterable[Sample]) -> None:
        """Two points of one time are one."""
        for t_s, key, point in samples:
            points = self._times.setdefault(t_s, {})
            points[key] = point if key not in points else _merged(points[key], point)
            self._size_bytes += len(point)

    def history(self, host: str, as_of_s: float, query: Query, lost_minutes: int) -> History:
        """The answer."""
        series: dict[Key, list[Point]] = {}
        size_bytes = 0
        for t_s in sorted(self._times, reverse=True):
            points = self._times[t_s]
            size_bytes += sum(map(len, points.values()))
            if size_bytes > self._most_bytes:
                self.truncated = True
                break
            for key, point in points.items():
                series.setdefault(key, []).append(Point.FromString(point))
        return History(
            host=host,
            as_of_s=as_of_s,
            resolution_s=query.resolution_s,
            series=[
                Series(kind=kind, package=package, version=version, points=reversed(points))
                for (kind, package, version), points in sorted(series.items())
            ],
            truncated=self.truncated,
            lost_minutes=lost_minutes,
            refused_bytes=self.refused_bytes,
        )


def folded(samples: Iterable[Sample], resolution_s: int, since_s: float, now_s: float) -> Iterator[Sample]:
    """Minutes, the newest first, added up to *resolution_s*; only whole ones that begin within [since_s, now_s].

    What has just ended is whole when its last minute is there, or should be.
    """
    open_s: float | None = None
    newest_s = 0.0
    tallies: dict[Key, Tally] = {}
    for t_s, key, point in samples:
        begins_s = t_s // resolution_s * resolution_s
        if begins_s < since_s:
            continue
        if begins_s != open_s:
            if open_s is not None and _is_whole(open_s + resolution_s, newest_s, now_s):
                yield from _coarse(open_s, tallies)
            open_s, newest_s, tallies = begins_s, t_s, {}
        older = Tally.of(Point.FromString(point))
        if (later := tallies.get(key)) is not None:
            older.merge(later)
        tallies[key] = older
    if open_s is not None and _is_whole(open_s + resolution_s, newest_s, now_s):
        yield from _coarse(open_s, tallies)


def _is_whole(end_s: float, newest_s: float, now_s: float) -> bool:
    return end_s <= now_s and (newest_s >= end_s - MINUTE_S or now_s >= end_s + MINUTE_S)


def _coarse(t_s: float, tallies: Mapping[Key, Tally]) -> Iterator[Sample]:
    return ((t_s, key, tally.point(t_s).SerializeToString()) for key, tally in tallies.items())


def _merged(one: bytes, other: bytes) -> bytes:
    point = Point.FromString(one)
    tally = Tally.of(point)
    tally.merge(Tally.of(Point.FromString(other)))
    return tally.point(point.t_s).SerializeToString()
