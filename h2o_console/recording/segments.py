"""A recording's segment written and read again: what was heard, each body against the one before it. Pure.

A segment begins with the newest of everything that was heard before it, so that it can be read on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from h2o_console.feed.heard import Heard, Kind
from h2o_console.recording.deltas import Damaged, pack, pack_changes, unpack, unpack_changes
from h2o_console.recording.frames import ABOUT, Form, Frame, Part, about, encode, frames

MOST_BODY_BYTES: Final = 32 << 20
MOST_KEPT_BYTES: Final = 512 << 20
"""Of the newest bodies together: more than the largest fleet has, and a bound on what a made-up file makes us hold."""
_KINDS: Final = {kind.value: kind for kind in Kind}
_FORGET_S: Final = 600.0
_FIRST: Final = (Kind.HOSTS, Kind.INSTANCES, Kind.PROMISES)
"""In this order before all others: a host is known before its counters are taken in."""
_OVERTAKES: Final = {
    Kind.STATS: (Kind.STILL, Kind.FAILURE),
    Kind.STILL: (Kind.FAILURE,),
    Kind.HOSTS: (Kind.TROUBLE,),
    Kind.CONTROL: (Kind.CONTROL_STANDS, Kind.NO_CONTROL),
    Kind.NO_CONTROL: (Kind.CONTROL, Kind.CONTROL_STANDS),
}
"""What is of no interest any more once this was heard of the same host."""
_Stream = tuple[Kind, str]


@dataclass(slots=True)
class SegmentWriter:
    """Makes segments: `begin` one, then `add` to it; bytes come out, and are to be written one after the other."""

    fleet: str
    context: str
    _newest: dict[_Stream, tuple[Heard, int]] = field(default_factory=dict[_Stream, "tuple[Heard, int]"])
    _bodies: dict[_Stream, bytes] = field(default_factory=dict[_Stream, bytes])
    """Each stream's newest in this segment, for the next one to be packed against."""

    def begin(self, at_us: int) -> bytes:
        """A segment's mark, and everything that is known from before."""
        self._bodies.clear()
        oldest_us = at_us - int(_FORGET_S * 1e6)
        self._newest = {stream: kept for stream, kept in self._newest.items() if kept[1] >= oldest_us}
        known = sorted(self._newest.values(), key=lambda kept: (_rank(kept[0].kind), kept[1]))
        written = [self._frame(heard, heard_us, Form.EARLIER) for heard, heard_us in known]
        return b"".join((about(self.fleet, self.context, at_us), *written))

    def add(self, heard: Heard, at_us: int) -> bytes:
        """One more."""
        frame = self._frame(heard, at_us, 0)
        self._newest[_stream(heard)] = heard, at_us
        for kind in _OVERTAKES.get(heard.kind, ()):
            self._newest.pop((kind, "" if kind is Kind.TROUBLE else heard.of), None)
        return frame

    def _frame(self, heard: Heard, at_us: int, flag: int) -> bytes:
        stream, form, packed = _stream(heard), Form.NONE, b""
        if heard.body:
            before = self._bodies.get(stream)
            if before is None:
                form, packed = Form.WHOLE, pack(heard.body)
            else:
                form, packed = Form.CHANGES, pack_changes(before, heard.body)
            self._bodies[stream] = heard.body
        length = len(heard.body)
        return encode(Frame(heard.kind.value, at_us, heard.of, heard.said, heard.seconds, form | flag, length, packed))


def _stream(heard: Heard) -> _Stream:
    """Whoever tells the fleet's picture, it is one stream."""
    return heard.kind, "" if heard.kind in {Kind.HOSTS, Kind.TROUBLE} else heard.of


def _rank(kind: Kind) -> int:
    return _FIRST.index(kind) if kind in _FIRST else len(_FIRST)


@dataclass(frozen=True, slots=True)
class Taken:
    """One thing of a recording. `earlier`: it was heard before its segment began, and stands in the one before too."""

    heard: Heard
    at_s: float
    earlier: bool


def read(data: bytes, part: Part) -> Iterator[Taken]:
    """A segment's contents; raises Damaged at what can't be unpacked. Kinds of a newer console are left out."""
    bodies: dict[_Stream, bytes] = {}
    kept = 0
    for frame in frames(data, part.start, part.end):
        kind = _KINDS.get(frame.kind)
        if frame.kind == ABOUT or kind is None:
            continue
        stream = _stream(Heard(kind, frame.of))
        before = bodies.get(stream)
        body = _body(frame, before)
        if body:
            kept += len(body) - len(before or b"")
            if kept > MOST_KEPT_BYTES:
                msg = f"it holds more than {MOST_KEPT_BYTES >> 20} MiB at once"
                raise Damaged(msg)
            bodies[stream] = body
        heard = Heard(kind, frame.of, body, frame.said, frame.seconds)
        yield Taken(heard, frame.at_s, bool(frame.form & Form.EARLIER))


def _body(frame: Frame, before: bytes | None) -> bytes:
    form = frame.form & ~Form.EARLIER
    if form == Form.NONE:
        return b""
    if frame.length > MOST_BODY_BYTES:
        msg = f"an answer in it is longer than {MOST_BODY_BYTES >> 20} MiB"
        raise Damaged(msg)
    if form == Form.WHOLE:
        return unpack(frame.packed, frame.length)
    if form == Form.CHANGES and before is not None:
        return unpack_changes(before, frame.packed, frame.length)
    msg = "it is packed in a way that this console does not know"
    raise Damaged(msg)
