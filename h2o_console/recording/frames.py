"""How a recording's file is laid out: a mark, then frames, each with its length and checksum. Pure.

A frame is one thing that was heard: when, what, of whom, and its body, packed whole or as what differs from the body
before it (`deltas.py`). Segments may stand one after the other in a file; each begins with the mark and is readable on
its own. A frame that is torn, and whatever follows it up to the next mark, is left out.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast
from zlib import crc32

FORMAT: Final = 1
_NAME: Final = b"h2o-recording "
MARK: Final = b"%s%d\n" % (_NAME, FORMAT)
"""Read as a length it is larger than any frame, so neither is ever taken for the other."""
MOST_FRAME_BYTES: Final = 40 << 20
_LENGTHS: Final = struct.Struct("<II")
_HEAD: Final = struct.Struct("<BBQdHHI")
_MOST_TEXT: Final = (1 << 16) - 1
ABOUT: Final = 0
"""The kind of a segment's first frame: what the recording is of. Others are `h2o_console.feed.heard.Kind`'s."""


class Form:
    """How a frame's body is packed, and whether it was heard before its segment began."""

    NONE: Final = 0
    WHOLE: Final = 1
    CHANGES: Final = 2
    EARLIER: Final = 16
    """A flag: it stands here so that the segment can be read without the one before."""


class NotARecording(ValueError):
    """It is something else, or was made by a newer console; the sentence says which."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`at_us`: Unix time; `length`: of the body once it is unpacked."""

    kind: int
    at_us: int
    of: str = ""
    said: tuple[str, ...] = ()
    seconds: float = 0.0
    form: int = Form.NONE
    length: int = 0
    packed: bytes = b""

    @property
    def at_s(self) -> float:
        """Unix time."""
        return self.at_us / 1e6


def encode(frame: Frame) -> bytes:
    """As it stands in the file; texts that are longer than 65,535 bytes are cut."""
    of, said = _cut(frame.of.encode(errors="replace")), _texts(frame.said)
    head = _HEAD.pack(frame.kind, frame.form, frame.at_us, frame.seconds, len(of), len(said), frame.length)
    payload = b"".join((head, of, said, frame.packed))
    return _LENGTHS.pack(len(payload), crc32(payload)) + payload


def _cut(text: bytes) -> bytes:
    return text[:_MOST_TEXT]


def _texts(said: tuple[str, ...]) -> bytes:
    """A list of texts as JSON, each cut until all fit."""
    most = 4000
    while len(text := json.dumps([one[:most] for one in said]).encode() if said else b"") > _MOST_TEXT:
        most //= 2
    return text


def about(fleet: str, context: str, began_us: int) -> bytes:
    """The mark, and the frame that says what the segment is of."""
    return MARK + encode(Frame(ABOUT, began_us, fleet, (context,)))


@dataclass(frozen=True, slots=True)
class Part:
    """A segment in a file: from which byte to which, when it began, when its last frame was heard, how many it has."""

    start: int
    end: int
    began_us: int
    ended_us: int
    count: int
    fleet: str
    context: str


def check(data: bytes) -> None:
    """Raises NotARecording unless *data* begins like one that this program reads."""
    head = data[: len(MARK)]
    if head == MARK:
        return
    if head.startswith(_NAME):
        said = head.removeprefix(_NAME).split(b"\n")[0].decode("ascii", "replace")
        msg = f"it was made by another version of the console (format {said}; this one reads {FORMAT}): upgrade H2O"
        raise NotARecording(msg)
    msg = "it is no recording of the console" if head else "it is empty"
    raise NotARecording(msg)


def parts(data: bytes) -> list[Part]:
    """The segments in *data*, in the order of the file; raises NotARecording when it does not begin with one."""
    check(data)
    found: list[Part] = []
    start = 0
    while start >= 0:
        following = _following(data, start)
        part = _part(data, start, len(data) if following < 0 else following)
        if part is not None:
            found.append(part)
        start = following
    return found


def _following(data: bytes, start: int) -> int:
    """Where the next segment begins; -1: nowhere. Whole frames are leapt over, so that no body is taken for a mark."""
    at = start + len(MARK)
    while (end := _end_of(data, at)) and _whole(data, at, end):
        at = end
    return data.find(MARK, at)


def _end_of(data: bytes, at: int) -> int:
    """Where the frame at *at* ends; 0: there is none that is whole."""
    if at + _LENGTHS.size > len(data):
        return 0
    length, _ = _LENGTHS.unpack_from(data, at)
    end = at + _LENGTHS.size + length
    return end if _HEAD.size <= length <= MOST_FRAME_BYTES and end <= len(data) else 0


def _part(data: bytes, start: int, end: int) -> Part | None:
    """None when not even its first frame is there."""
    first = next(frames(data, start, end), None)
    if first is None or first.kind != ABOUT:
        return None
    ended_us, count = first.at_us, -1
    at = start + len(MARK)
    while 0 < (after := _end_of(data, at)) <= end and _whole(data, at, after):
        ended_us, count = max(ended_us, _at_us(data, at)), count + 1
        at = after
    return Part(start, end, first.at_us, ended_us, count, first.of, first.said[0] if first.said else "")


def _at_us(data: bytes, at: int) -> int:
    return int(_HEAD.unpack_from(data, at + _LENGTHS.size)[2])


def _whole(data: bytes, at: int, end: int) -> bool:
    return crc32(memoryview(data)[at + _LENGTHS.size : end]) == _LENGTHS.unpack_from(data, at)[1]


def frames(data: bytes, start: int, end: int) -> Iterator[Frame]:
    """A segment's frames, the first says what it is of; ends at the first that is torn."""
    at = start + len(MARK)
    while 0 < (after := _end_of(data, at)) <= end and _whole(data, at, after):
        frame = _decode(data[at + _LENGTHS.size : after])
        if frame is None:
            return
        yield frame
        at = after


def _decode(payload: bytes) -> Frame | None:
    kind, form, at_us, seconds, of_length, said_length, length = _HEAD.unpack_from(payload)
    of_end = _HEAD.size + of_length
    said_end = of_end + said_length
    if said_end > len(payload):
        return None
    of = payload[_HEAD.size : of_end].decode(errors="replace")
    return Frame(kind, at_us, of, _said(payload[of_end:said_end]), seconds, form, length, payload[said_end:])


def _said(text: bytes) -> tuple[str, ...]:
    try:
        listed: Any = json.loads(text) if text else []
    except (ValueError, RecursionError):
        listed = []
    if not isinstance(listed, list):
        return ()
    return tuple(one for one in cast("list[Any]", listed) if isinstance(one, str))
