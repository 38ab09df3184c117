"""What was decided, by whom and why, and what was there before: an entry beside each control change. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from h2o_core.documents import Reader, encode_document
from h2o_core.znodes import PACKAGE_CAP_BYTES

_CHANGE_ID: Final = re.compile(r"[0-9a-f]{16}")
_MOST_DOCUMENTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides: `actor` as the program that asks claims it, `origin` which program where, `reason` in words."""

    actor: str
    origin: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """One document of a change: its path below the fleet's root, its bytes before and after; None: it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One control change. `at_s` is the Unix time of the program that applied it."""

    epoch: int
    change_id: str
    at_s: float
    author: Author
    edits: tuple[Edit, ...]


def day_of(at_s: float) -> str:
    """The day that an entry of that Unix time is kept under: ``2026-11-28``, UTC."""
    return datetime.fromtimestamp(at_s, UTC).date().isoformat()


def encode_entry(entry: Entry) -> bytes:
    """`audit/<day>/<epoch>`; raises InvalidDocument above 1,000 KiB."""
    fields: dict[str, object] = {
        "epoch": entry.epoch,
        "change_id": entry.change_id,
        "at": entry.at_s,
        "actor": entry.author.actor,
        "verified": False,  # nobody has checked who the actor is
        "origin": entry.author.origin,
        "reason": entry.author.reason,
        "documents": [
            {"path": edit.path, "before": _text(edit.before), "after": _text(edit.after)} for edit in entry.edits
        ],
    }
    return encode_document(f"audit/{day_of(entry.at_s)}/{entry.epoch}", PACKAGE_CAP_BYTES, fields)


def parse_entry(path: str, data: bytes) -> Entry:
    """`audit/<day>/<epoch>` → Entry; raises InvalidDocument."""
    reader = Reader.of_document(path, data, PACKAGE_CAP_BYTES)
    edits = tuple(
        Edit(item.text("path"), _bytes(item, "before"), _bytes(item, "after"))
        for item in reader.objects("documents", _MOST_DOCUMENTS)
    )
    return Entry(
        epoch=reader.integer("epoch", 0, 1 << 62),
        change_id=reader.text("change_id", form=_CHANGE_ID),
        at_s=reader.number("at"),
        author=Author(reader.text("actor"), reader.text("origin"), reader.text("reason", empty=True)),
        edits=edits,
    )


def _text(data: bytes | None) -> str | None:
    """Byte for byte: what stood there may have been anything, and an undo puts back just that."""
    return None if data is None else data.decode("latin-1")


def _bytes(reader: Reader, key: str) -> bytes | None:
    if reader.fields.get(key) is None:
        return None
    try:
        return reader.raw_text(key).encode("latin-1")
    except UnicodeEncodeError:
        reader.fail(f"{key} has characters that are no bytes")
