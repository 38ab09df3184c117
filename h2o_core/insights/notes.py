"""What people have said of findings: who looks after one, and which is to be quiet until when. Pure.

All notes of a fleet stand in one document, the node `notes`: they say nothing to brokers, so they are no control, and
what they are about comes and goes by itself, so each of them has an end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from h2o_core.documents import InvalidDocument, Reader, encode_document
from h2o_core.fields import LATEST_S
from h2o_core.insights.finding import Key, Kind, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOTES: Final = "notes"
"""The node, below the fleet's root."""
MEND: Final = "to begin anew, with a copy of what stands there: h2o triage ack ID --anew"
"""What to type where it can't be read."""
NOTES_CAP_BYTES: Final = 256 << 10
MOST_NOTES: Final = 200
ACKNOWLEDGED_S: Final = 12 * 3600.0
"""Whoever looks after a finding does so until it closes, and no longer than a shift."""
LONGEST_S: Final = 30 * 86_400.0
"""What is to be quiet for longer than a month is to be mended, or its kind is wrong."""
_KEPT_S: Final = 3600.0
"""After its end: a laptop whose clock is ahead must not take away what others have said."""


class Says(StrEnum):
    """What somebody has said."""

    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Note:
    """`owner` has said it of one finding at `at_s`, and it holds until `until_s` (Unix times)."""

    kind: Kind
    subject: Subject
    says: Says
    owner: str
    at_s: float
    until_s: float
    reason: str = ""

    @property
    def key(self) -> Key:
        """Of which finding."""
        return Key(self.kind, self.subject)


def with_note(notes: Iterable[Note], note: Note, now_s: float) -> tuple[Note, ...]:
    """*notes* and *note*, in place of one that says the same of the same finding; without those that ended an hour ago.

    A note whose end is 0 takes back: then there is none that says so. Raises InvalidDocument when it has ended in any
    other way, or would hold for more than a month.
    """
    if note.until_s and not now_s < note.until_s <= now_s + LONGEST_S:
        raise InvalidDocument(NOTES, f"a note ends later than now, and within {LONGEST_S / 86_400:.0f} days")
    others = (one for one in notes if (one.key, one.says) != (note.key, note.says) and one.until_s > now_s - _KEPT_S)
    return (*others, note) if note.until_s else tuple(others)


def encode_notes(notes: Iterable[Note]) -> bytes:
    """`notes`; raises InvalidDocument when that could not be read again."""
    fields: dict[str, object] = {"notes": [fields_of(one) for one in notes]}
    data = encode_document(NOTES, NOTES_CAP_BYTES, fields)
    parse_notes(NOTES, data)
    return data


def fields_of(note: Note) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "kind": note.kind.value,
        "subject": {name: value for name, value in note.subject._asdict().items() if value},
        "says": note.says.value,
        "owner": note.owner,
        "at": note.at_s,
        "until": note.until_s,
        "reason": note.reason,
    }


def parse_notes(path: str, data: bytes) -> tuple[Note, ...]:
    """`notes` → Notes, each key at most once for each thing that is said; no bytes are none. Raises InvalidDocument.

    A note about a kind of finding that this program does not know is left out: a newer one has written it.
    """
    if not data:
        return ()
    reader = Reader.of_document(path, data, NOTES_CAP_BYTES)
    if isinstance(found := reader.fields.get("notes"), list) and len(found) > MOST_NOTES:  # pyright: ignore[reportUnknownArgumentType] - JSON
        reader.fail(f"there are {MOST_NOTES} notes already; take some back: h2o triage unmute")
    notes = (parse_note(one) for one in reader.objects("notes", MOST_NOTES) if one.text("kind") in set(Kind))
    return tuple({(one.key, one.says): one for one in notes}.values())


def parse_note(reader: Reader) -> Note:
    """One of them; raises InvalidDocument."""
    kind, says = reader.text("kind"), reader.text("says")
    if kind not in set(Kind):
        reader.fail(f"kind is {kind!a:.60}, which no finding is")
    if says not in set(Says):
        reader.fail(f"says is {says!a:.60}; it is {' or '.join(Says)}")
    note = Note(
        kind=Kind(kind),
        subject=parse_subject(reader.object("subject")),
        says=Says(says),
        owner=reader.text("owner"),
        at_s=reader.number("at"),
        until_s=reader.number("until"),
        reason=reader.text("reason", empty=True),
    )
    if note.until_s > LATEST_S or note.at_s > LATEST_S:
        reader.fail("its time is none that a calendar has")
    return note


def parse_subject(reader: Reader) -> Subject:
    """Whom it is about; raises InvalidDocument."""
    if unknown := set(reader.fields) - set(Subject._fields):
        reader.fail(f"there is no {min(unknown)[:60]!a}; there are {', '.join(Subject._fields)}")
    named: Mapping[str, str] = {name: reader.text(name, empty=True) for name in Subject._fields}
    return Subject(**named)
