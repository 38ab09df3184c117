"""What the console remembers from one start to the next, as JSON: the last view, and how lists were asked for.

Pure. Whatever a file holds that is not understood is left out; nothing in it can keep the console from starting.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from h2o_console.rows.past import HOUR, SPANS
from h2o_console.rows.places import Kind, Look, Place, Wanted

MOST_BYTES: Final = 256 * 1024
_SCHEMA: Final = 1
_MOST_LOOKS: Final = 100
_LONGEST: Final = 200
_KINDS: Final = {kind.value: kind for kind in Kind}


@dataclass(frozen=True, slots=True)
class Memory:
    """The view that was last seen (None: none), what was asked of each list, and how far back graphs go."""

    view: Place | None = None
    looks: Mapping[Place, Look] = field(default_factory=dict[Place, Look])
    span: str = HOUR.name


class Unreadable(ValueError):
    """The file holds something else; the sentence says what."""


def encode(memory: Memory) -> bytes:
    """As the file has it; only lists that were asked for something, the last hundred."""
    looks = memory.looks.items()
    asked = [(place, look.wanted) for place, look in looks if look.wanted != Wanted() and not place.also]
    document = {
        "schema": _SCHEMA,
        "view": None if memory.view is None else {"kind": memory.view.kind.value, "key": memory.view.key},
        "window": memory.span,
        "lists": [_written(place, wanted) for place, wanted in asked[-_MOST_LOOKS:]],
    }
    return json.dumps(document, indent=1).encode()


def _written(place: Place, wanted: Wanted) -> dict[str, Any]:
    return {
        "kind": place.kind.value,
        "key": place.key,
        "sort": wanted.sort,
        "reverse": wanted.reverse,
        "filter": wanted.filter,
        "problems": wanted.problems,
        "wide": wanted.wide,
    }


def decode(data: bytes) -> Memory:
    """What was written; raises Unreadable when it is something else altogether."""
    if len(data) > MOST_BYTES:
        msg = f"it has {len(data)} bytes"
        raise Unreadable(msg)
    try:
        document: Any = json.loads(data)
    except (ValueError, RecursionError):
        msg = "it is no JSON"
        raise Unreadable(msg) from None
    if not isinstance(document, dict) or cast("dict[str, Any]", document).get("schema") != _SCHEMA:
        msg = "it is of another version"
        raise Unreadable(msg)
    known = cast("dict[str, Any]", document)
    listed = known.get("lists")
    entries = cast("list[Any]", listed)[-_MOST_LOOKS:] if isinstance(listed, list) else []
    looks = {place: Look(_wanted(entry)) for entry in entries if (place := _place(entry)) is not None}
    span = _text(known, "window")
    return Memory(_place(known.get("view")), looks, span if span in SPANS else HOUR.name)


def _place(entry: Any) -> Place | None:
    if not isinstance(entry, dict):
        return None
    table = cast("dict[str, Any]", entry)
    kind = _KINDS.get(_text(table, "kind"))
    return None if kind is None else Place(kind, _text(table, "key"))


def _wanted(entry: dict[str, Any]) -> Wanted:
    return Wanted(
        sort=_text(entry, "sort"),
        reverse=entry.get("reverse") is True,
        filter=_text(entry, "filter"),
        problems=entry.get("problems") is True,
        wide=entry.get("wide") is True,
    )


def _text(table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) and len(value) <= _LONGEST else ""
