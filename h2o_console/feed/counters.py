"""Raw counters as agents answer them at ``/stats``, and the promises at ``/features``: read as far as somebody looks.

Pure. Most of a host's answer are sketches of which few have changed since the last one, so it is parsed as a message
that leaves them bytes (`protos/h2o_console/pb/lean.proto`); the functions here read them when they count. Numbers are
typed by the wire but of any size, and texts stay what they are until `h2o_console.text.safe` shows them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, TypeVar

from google.protobuf.message import DecodeError, Message

from h2o_console.feed import answers
from h2o_console.pb.lean_pb2 import HostStats
from h2o_core.names import shown
from h2o_core.pb.stats_pb2 import Sketch as WireSketch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MOST: Final = 1 << 62
"""Numbers beyond this are nobody's count; they would overflow a division later."""


_M = TypeVar("_M", bound=Message)


class Unreadable(ValueError):
    """What was answered is no HostStats."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """A sketch's lists as they came; what is in them is checked where it counts, in `h2o_console.store.sketches`."""

    index: list[int]
    count: list[int]
    zero: int = 0
    sum_ns: int = 0


@dataclass(frozen=True, slots=True)
class Promise:
    """What a package version declares for one feature, in ms; None when it declares nothing."""

    feature: str
    package: str
    version: str
    mean_ms: float | None
    upper95_ms: float | None


def parse_stats(body: bytes) -> HostStats:
    """The answer of ``/stats``; raises Unreadable."""
    try:
        return HostStats.FromString(body)
    except DecodeError:
        msg = "its counters can't be read: they are no HostStats"
        raise Unreadable(msg) from None


def parse_part(kind: type[_M], data: bytes) -> _M:
    """A part that was left bytes; one that can't be read is as good as empty."""
    try:
        return kind.FromString(data)
    except DecodeError:
        return kind()


def parse_parts(kind: type[_M], parts: Iterable[bytes]) -> Iterator[_M]:
    """Several of them."""
    parse = kind.FromString
    for data in parts:
        try:
            part = parse(data)
        except DecodeError:
            part = kind()
        yield part


def changed_parts(before: list[bytes], parts: list[bytes]) -> list[bytes]:
    """Those of *parts* that were not the same, in the same place, *before*."""
    changed = [data for data, was in zip(parts, before, strict=False) if data != was]
    return changed + parts[len(before) :] if len(parts) > len(before) else changed


def parse_sketch(data: bytes) -> Sketch:
    """A sketch that was left bytes."""
    wire = parse_part(WireSketch, data)
    return Sketch(wire.index[:], wire.count[:], wire.zero, wire.sum)


def known(value: float) -> float | None:
    """A number that may stand for "unknown": NaN, infinite, negative."""
    return value if isfinite(value) and value >= 0 else None


def parse_promises(document: Mapping[str, Any]) -> tuple[Promise, ...]:
    """The answer of ``/features``."""
    return tuple(
        Promise(
            feature=shown(answers.text(entry, "name")),
            package=shown(answers.text(entry, "package")),
            version=answers.text(entry, "version"),
            mean_ms=_ms(entry, "mean_ms"),
            upper95_ms=_ms(entry, "upper95_ms"),
        )
        for entry in answers.objects(document, "features")
    )


def _ms(entry: Mapping[str, Any], key: str) -> float | None:
    value = answers.number(entry, key)
    return float(value) if value is not None and 0 < value < MOST else None
