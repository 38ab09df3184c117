"""What was decided, by whom and why, and what was there before: an entry beside each control change. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from h2o_core.documents import LARGE_CAP_BYTES, MAX_TEXT, Reader, encode_document
from h2o_core.verdicts import Guard, Verdict

_CHANGE_ID: Final = re.compile(r"[0-9a-f]{16}")
_MOST_DOCUMENTS: Final = 1000
_MOST_GUARDS: Final = 100


@dataclass(frozen=True, slots=True)
class Author:
    """Who decides: `origin` is which program where, `reason` in words.

    `verified`: an agent has seen by token or by the peer of its socket who `actor` is; else their program claims it.
    """

    actor: str
    origin: str
    reason: str = ""
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Edit:
    """One document of a change: its path below the fleet's root, its bytes before and after; None: it is not there."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One control change. `at_s` is the Unix time of the program that applied it.

    What its plan said: `sentence` and `command` in one line each, `guards` with their verdicts (a refused one was
    forced), `until_s` when it ends or is to be looked at again (Unix time, 0: never). `undo_of`: the change that it
    takes back, "" for none. Entries that were written without a plan have none of these.
    """

    epoch: int
    change_id: str
    at_s: float
    author: Author
    edits: tuple[Edit, ...]
    sentence: str = ""
    command: str = ""
    guards: tuple[Guard, ...] = ()
    until_s: float = 0.0
    undo_of: str = ""

    @property
    def forced(self) -> bool:
        """A guard had refused it."""
        return any(one.verdict is Verdict.REFUSED for one in self.guards)


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
        "verified": entry.author.verified,
        "origin": entry.author.origin,
        "reason": entry.author.reason,
        "documents": [
            {"path": edit.path, "before": _text(edit.before), "after": _text(edit.after)} for edit in entry.edits
        ],
        "sentence": _line(entry.sentence),
        "command": _line(entry.command),
        "guards": [
            {
                "name": guard.name,
                "verdict": guard.verdict.value,
                "sentence": _line(guard.sentence),
                "subject": _line(guard.subject),
            }
            for guard in entry.guards[:_MOST_GUARDS]
        ],
        "until": entry.until_s,
        "undo_of": entry.undo_of,
    }
    return encode_document(f"audit/{day_of(entry.at_s)}/{entry.epoch}", LARGE_CAP_BYTES, fields)


def parse_entry(path: str, data: bytes) -> Entry:
    """`audit/<day>/<epoch>` → Entry; raises InvalidDocument."""
    reader = Reader.of_document(path, data, LARGE_CAP_BYTES)
    edits = tuple(
        Edit(item.text("path"), _bytes(item, "before"), _bytes(item, "after"))
        for item in reader.objects("documents", _MOST_DOCUMENTS)
    )
    return Entry(
        epoch=reader.integer("epoch", 0, 1 << 62),
        change_id=reader.text("change_id", form=_CHANGE_ID),
        at_s=reader.number("at"),
        author=Author(
            reader.text("actor"),
            reader.text("origin"),
            reader.text("reason", empty=True),
            verified=reader.flag("verified"),
        ),
        edits=edits,
        **_planned(reader),
    )


def _planned(reader: Reader) -> dict[str, Any]:
    """What a plan said; of an entry from before there were plans, nothing."""
    if "guards" not in reader.fields:
        return {}
    return {
        "sentence": reader.text("sentence", empty=True),
        "command": reader.text("command", empty=True),
        "guards": tuple(_guard(item) for item in reader.objects("guards", _MOST_GUARDS)),
        "until_s": reader.number("until"),
        "undo_of": reader.text("undo_of", form=_CHANGE_ID) if reader.fields.get("undo_of") != "" else "",
    }


def _guard(reader: Reader) -> Guard:
    word = reader.text("verdict")
    if word not in set(Verdict):
        reader.fail(f"verdict is {word!a:.60}; it is {', '.join(Verdict)}")
    return Guard(reader.text("name"), Verdict(word), reader.text("sentence"), reader.text("subject", empty=True))


def _line(text: str) -> str:
    """As a document takes it: one line, cut where it is too long; a sentence about many hosts may be."""
    line = "".join(one if one.isprintable() else " " for one in text)
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 3]}..."


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
