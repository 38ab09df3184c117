"""`/control`: what is decided and what was changed lately, as it stands in the register. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from h2o_agent.views.head import SCHEMA, Json, moment, seconds
from h2o_core.audit import parse_entry
from h2o_core.documents import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_agent.snapshot import Snapshot

MOST_ENTRIES: Final = 1000
MOST_ENTRY_BYTES: Final = 4 << 20
"""Of all entries that are kept, together: the newest that fit."""
DEFAULT_ENTRIES: Final = 100
_AGE_STEP_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry as it stands in the register: its path below the fleet's root, its bytes; `why` it can't be used."""

    path: str
    data: bytes
    at_s: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """Everything at one moment. `documents`: path → bytes; `entries`: the newest first, `more` are not kept.

    `unreadable`: documents that can't be used, in sentences. `age_s`: how old all of it may be.
    """

    epoch: int
    documents: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    unreadable: tuple[str, ...] = ()
    entries: tuple[Kept, ...] = ()
    more: bool = False
    notes: bytes = b""
    age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """At most the `most` newest entries, of those that are not before `since_s` (Unix time)."""

    most: int = DEFAULT_ENTRIES
    since_s: float = 0.0


def kept(path: str, data: bytes) -> Kept:
    """An entry; of one that can't be used nothing but why."""
    try:
        entry = parse_entry(path, data)
        json.dumps(json.loads(data), allow_nan=False)  # it may say more than an entry does, and that is passed on
    except InvalidDocument as error:
        return Kept(path, b"", why=str(error))
    except (ValueError, RecursionError):
        return Kept(path, b"", why=f"{path}: it can't be passed on as JSON")
    return Kept(path, data, entry.at_s)


def newest(entries: Mapping[str, Kept]) -> tuple[dict[str, Kept], bool]:
    """By path, those of the newest that are to be kept; are any left out?"""
    left = MOST_ENTRY_BYTES
    found: dict[str, Kept] = {}
    for path in sorted(entries, key=_order, reverse=True):
        left -= len(entries[path].data)
        if left < 0 or len(found) == MOST_ENTRIES:
            return found, True
        found[path] = entries[path]
    return found, False


def _order(path: str) -> tuple[str, int]:
    """``audit/2026-11-28/42``"""
    _, day, epoch = path.split("/")
    return day, int(epoch)


def mark(known: Known, wanted: Wanted) -> str:
    """Changes with anything that is answered, and is the same at every agent; while ZooKeeper is away every 5 s."""
    digest = blake2b(digest_size=12)
    for path, data in sorted(known.documents.items()):
        digest.update(f"{path}\0{len(data)}\0".encode() + data)
    digest.update("\0".join(one.path for one in known.entries).encode() + b"\0" + known.notes)
    return f"{known.epoch}-{digest.hexdigest()}-{wanted.most}-{wanted.since_s:.3f}-{known.age_s // _AGE_STEP_S:.0f}"


def document(snapshot: Snapshot, known: Known, wanted: Wanted) -> Json:
    """The answer. Bytes become the characters of the same numbers: JSON as it is, and anything else comes back."""
    usable = [one for one in known.entries if not one.why]
    meant = [one for one in usable if one.at_s >= wanted.since_s]
    shown = meant[: wanted.most]
    unreadable = (f"left out: {one.why}" for one in known.entries if one.why)
    return {
        "schema": SCHEMA,
        "fleet": snapshot.fleet,
        "host": snapshot.host,
        "as_of": moment(snapshot.now_s),
        "epoch": known.epoch,
        "documents": {path: data.decode("latin-1") for path, data in sorted(known.documents.items())},
        "unreadable": [*known.unreadable, *unreadable],
        "entries": [_entry(one) for one in shown],
        "more": len(shown) < len(meant) or (known.more and len(meant) == len(usable)),
        "notes": known.notes.decode("latin-1"),
        "age_s": seconds(known.age_s),
    }


def _entry(one: Kept) -> dict[str, Any]:
    return {**json.loads(one.data), "path": one.path}
