"""What hosts would have answered at ``/history``, made from what a recording has of their counters.

A point is what was counted between two readings, in the slot of their middle; a slot of which nothing was recorded has
none. What a segment says of a host is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from google.protobuf.message import DecodeError

from h2o_console.feed.agents import OutOfReach
from h2o_console.feed.heard import Kind
from h2o_core.histogram import Histogram
from h2o_core.pb.host_pb2 import History, HostStats, Point, Series, Vitals
from h2o_core.pb.stats_pb2 import OutcomeCount, Sketch

if TYPE_CHECKING:
    from h2o_console.recording.tape import Piece, Tape
    from h2o_core.pb.stats_pb2 import FeatureStats

NOT_HERE: Final = "a recording has only what the console itself had asked for"
_LONGEST_S: Final = 100.0
"""Counts over a longer silence can't be given a time."""
_OFTEN: Final = 0.45
"""Of a slot: readings that follow one another faster are left out."""
_Version = tuple[str, str]
"""Package, as the wire has it, and version; ("", "") is the host itself."""
_HOST: Final[_Version] = ("", "")


@dataclass(slots=True)
class _Tally:
    """What was counted in a slot."""

    covered_s: float = 0.0
    outcomes: dict[int, int] = field(default_factory=dict[int, int])
    times: Histogram = field(default_factory=Histogram)
    vitals: Vitals | None = None

    def count(self, before: FeatureStats | None, now: FeatureStats) -> None:
        """Add what *now* has more than *before*; nothing when a counter went down."""
        earlier = {one.code: one.count for one in before.outcomes} if before is not None else {}
        more = {one.code: one.count - earlier.get(one.code, 0) for one in now.outcomes}
        times = _histogram(now.processing)
        try:
            times = times if before is None else times.since(_histogram(before.processing))
        except ValueError:
            return
        if min(more.values(), default=0) < 0:
            return
        for code, count in more.items():
            self.outcomes[code] = self.outcomes.get(code, 0) + count
        self.times.merge(times)

    def point(self, t_s: float) -> Point:
        """As agents tell it."""
        outcomes = [OutcomeCount(code=code, count=count) for code, count in self.outcomes.items() if count]
        point = Point(t_s=t_s, covered_s=self.covered_s, outcomes=outcomes, vitals=self.vitals)
        if self.times.count:
            index, count = self.times.lists()
            point.processing.CopyFrom(Sketch(index=index, count=count, zero=self.times.zero, sum=self.times.sum_ns))
        return point


def _histogram(sketch: Sketch) -> Histogram:
    pairs = min(len(sketch.index), len(sketch.count))
    return Histogram.from_lists(sketch.index[:pairs], sketch.count[:pairs], sketch.zero, sketch.sum)


_Slots = dict[tuple[int, _Version], _Tally]


class Histories:
    """Of all hosts in *tape*. For one thread."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._known: dict[tuple[int, str, float], _Slots] = {}

    def answer(self, host: str, path: str, now_s: float) -> bytes:
        """A ``h2o.v1.History`` until *now_s* (Unix time); raises OutOfReach when *path* is another question."""
        asked = urlsplit(path)
        query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
        if asked.path != "/history":
            raise OutOfReach(NOT_HERE)
        slot_s, since_s = float(query["resolution"].removesuffix("s")), float(query["since"])
        wanted = f"/{query['package']}" if "package" in query else ""
        history = History(host=host, as_of_s=now_s, resolution_s=slot_s)
        series: dict[_Version, Series] = {}
        for (slot, version), tally in sorted(self._slots(host, slot_s, since_s, now_s).items()):
            at_s = slot * slot_s
            if not since_s <= at_s <= now_s - slot_s or (wanted and version[0] != wanted):
                continue
            if version not in series:
                kind = "host" if version == _HOST else "package"
                series[version] = history.series.add(kind=kind, package=version[0], version=version[1])
            series[version].points.append(tally.point(at_s))
        return history.SerializeToString()

    def _slots(self, host: str, slot_s: float, since_s: float, now_s: float) -> _Slots:
        found: _Slots = {}
        for number, piece in enumerate(self._tape.pieces):
            if piece.ended_s < since_s or piece.began_s > now_s:
                continue
            known = self._known.get((number, host, slot_s))
            if known is None:
                known = self._known[number, host, slot_s] = _count(piece, host, slot_s)
            for key, tally in known.items():
                begun = found.get(key)  # by the segment before
                found[key] = tally if begun is None else _together(begun, tally)
        return found


def _together(one: _Tally, other: _Tally) -> _Tally:
    outcomes = dict(one.outcomes)
    for code, count in other.outcomes.items():
        outcomes[code] = outcomes.get(code, 0) + count
    times = Histogram()
    times.merge(one.times)
    times.merge(other.times)
    return _Tally(one.covered_s + other.covered_s, outcomes, times, other.vitals or one.vitals)


def _count(piece: Piece, host: str, slot_s: float) -> _Slots:
    """What *host* counted in a segment."""
    slots: _Slots = {}
    before: tuple[float, HostStats] | None = None
    for at_s, stats in _readings(piece, host, slot_s):
        slot = int(at_s // slot_s)
        if stats.HasField("vitals"):
            slots.setdefault((slot, _HOST), _Tally()).vitals = stats.vitals
        if before is not None:
            _compare(before, (at_s, stats), slots, slot_s)
        before = at_s, stats
    return slots


def _readings(piece: Piece, host: str, slot_s: float) -> Iterator[tuple[float, HostStats]]:
    """Moment (Unix, s) and counters, no more often than is of use; a host that stands still is read again."""
    last_s, stats = float("-inf"), None
    for taken in piece.contents():
        heard = taken.heard
        if heard.of != host or heard.kind not in {Kind.STATS, Kind.STILL} or taken.at_s - last_s < slot_s * _OFTEN:
            continue
        if heard.kind is Kind.STATS:
            try:
                stats = HostStats.FromString(heard.body)
            except DecodeError:
                continue
        if stats is not None:
            last_s = taken.at_s
            yield taken.at_s, stats


def _compare(before: tuple[float, HostStats], now: tuple[float, HostStats], slots: _Slots, slot_s: float) -> None:
    """Put what was counted between two readings into its slot."""
    (then_s, earlier), (now_s, later) = before, now
    if earlier.report.incarnation != later.report.incarnation or not 0 < now_s - then_s <= _LONGEST_S:
        return
    slot = int((then_s + now_s) / 2 // slot_s)
    known = {(one.instance, each.feature): each for one in earlier.report.instances for each in one.features}
    covered = set[_Version]()
    for one in later.report.instances:
        version = one.package, one.version
        tally = slots.setdefault((slot, version), _Tally())
        if version not in covered:
            covered.add(version)
            tally.covered_s += now_s - then_s
        for each in one.features if later is not earlier else ():
            tally.count(known.get((one.instance, each.feature)), each)
