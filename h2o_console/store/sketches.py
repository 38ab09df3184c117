"""What was timed between two raw sketches of one broker, as they came: compared as far as they differ.

Pure. Of a hundred buckets a fifth has changed, and which there are hardly ever changes.
"""

from __future__ import annotations

from array import array
from typing import Final

from h2o_console.feed.counters import MOST, Sketch, parse_part, parse_sketch
from h2o_console.pb.lean_pb2 import Sketch as LeanSketch
from h2o_console.store.outcomes import WENT_DOWN, CounterReset
from h2o_core.histogram import Histogram

_LOWEST: Final = -512
_HIGHEST: Final = 2047
"""Bucket indexes from 2^-16 ns to 2^64 ns: others would overflow when they become times."""
_MOST_TIMES: Final = MOST >> 8
_NO_NUMBER: Final = "a counter is no number"


class TimedUntil:
    """The sketch up to which times were counted."""

    __slots__ = ("_index", "_raw")

    def __init__(self, raw: bytes = b"") -> None:
        self.start_from(raw)

    def start_from(self, raw: bytes) -> None:
        """Count what comes after this."""
        self._raw = raw
        self._index: array[int] | None = None
        """Its bucket indexes, once they were read: they are as many bytes as its counts, and stay the same."""

    def more(self, raw: bytes) -> Histogram | None:
        """What was timed until *raw*, from which it goes on; None when nothing was. Raises CounterReset."""
        earlier, self._raw = self._raw, raw
        if earlier == raw:
            return None
        before, after = parse_part(LeanSketch, earlier), parse_part(LeanSketch, raw)
        if before.index != after.index:
            self._index = None
            changed = _changed(parse_sketch(earlier), parse_sketch(raw))
        else:
            if self._index is None:
                self._index = _index_of(parse_sketch(raw))
            index, old, new = self._index, before.count[:], after.count[:]
            if not len(index) == len(old) == len(new):
                raise CounterReset(_NO_NUMBER)
            changed = {at: count - was for at, count, was in zip(index, new, old, strict=False) if count != was}
        return _checked(changed, after.zero - before.zero, after.sum - before.sum)


def _index_of(sketch: Sketch) -> array[int]:
    index = sketch.index
    if index and not _LOWEST <= min(index) <= max(index) <= _HIGHEST:
        raise CounterReset(_NO_NUMBER)
    return array("h", index)


def _changed(earlier: Sketch, later: Sketch) -> dict[int, int]:
    """Of sketches that have not the same buckets."""
    index = _index_of(later)
    if len(index) != len(later.count):
        raise CounterReset(_NO_NUMBER)
    base = dict(zip(earlier.index, earlier.count, strict=False))
    if not base.keys() <= set(index):
        raise CounterReset(WENT_DOWN)
    pairs = zip(index, later.count, strict=True)
    return {at: count - base.get(at, 0) for at, count in pairs if count != base.get(at, 0)}


def _checked(changed: dict[int, int], zero: int, sum_ns: int) -> Histogram | None:
    counts = changed.values() or (0,)
    if zero < 0 or sum_ns < 0 or min(counts) < 0:
        raise CounterReset(WENT_DOWN)
    if zero > _MOST_TIMES or sum_ns > MOST or max(counts) > _MOST_TIMES:
        raise CounterReset(_NO_NUMBER)
    if not changed and not zero:
        return None
    delta = Histogram()
    delta.zero, delta.sum_ns, delta.buckets = zero, sum_ns, changed
    return delta
