"""Control changes → rows, and the columns of the Journal: when, who, what, why, and what took it back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.acting.request import SHOWN_DIGITS, sentence
from h2o_console.commands.entries import subjects
from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.figures import moment
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column
from h2o_console.text import safe

if TYPE_CHECKING:
    from h2o_core.audit import Entry

LATELY_S: Final = 900.0
"""Others' changes of the last 15 minutes are counted in the header."""
_TEXT: Final = 500


@dataclass(frozen=True, slots=True)
class EntryRow:
    """A change as a line. `key` is its id; `checked`: ``verified`` or ``claimed``, who says who it was."""

    key: str
    name: str
    glyph: Glyph
    epoch: int
    when: str
    actor: str
    checked: str
    what: str
    reason: str = ""
    undone_by: str = ""
    undo_of: str = ""
    found_by: str = ""

    @property
    def ages(self) -> bool:
        """Times are moments; only at midnight they look different."""
        return False


def short(change_id: str) -> str:
    """How it is shown; harmless also where nobody has checked that it is an id."""
    return safe(change_id[:SHOWN_DIGITS], SHOWN_DIGITS)


def undone(entries: Iterable[Entry]) -> Mapping[str, str]:
    """Change id → the id of the change that took it back, if that one stands itself."""
    found: dict[str, str] = {}
    for one in sorted(entries, key=lambda entry: -entry.epoch):
        if one.undo_of and one.change_id not in found:
            found.setdefault(one.undo_of, one.change_id)
    return found


def by_others(entries: Iterable[Entry], me: str, now_s: float) -> int:
    """How many changes of the last 15 minutes somebody else has made."""
    return sum(one.author.actor != me and 0 <= now_s - one.at_s <= LATELY_S for one in entries)


def entry_row(entry: Entry, undone_by: str, now_s: float) -> EntryRow:
    """What there is to say of it."""
    said = sentence(entry)
    packages, hosts = subjects(entry)
    glyph = Glyph.WARN if entry.forced else Glyph.NOTE if undone_by else Glyph.FINE
    return EntryRow(
        key=entry.change_id,
        name=short(entry.change_id),
        glyph=glyph,
        epoch=entry.epoch,
        when=moment(entry.at_s, now_s),
        actor=safe(entry.author.actor, 60),
        checked="verified" if entry.author.verified else "claimed",
        what=safe(f"FORCED: {said}" if entry.forced else said, _TEXT),
        reason=safe(entry.author.reason, _TEXT),
        undone_by=short(undone_by),
        undo_of=short(entry.undo_of),
        found_by=" ".join((entry.change_id, entry.author.actor, said, entry.author.reason, *packages, *hosts)),
    )


def _what(row: EntryRow, _: Canvas) -> Shown:
    if row.undone_by:
        return f"{row.what}  (undone by {row.undone_by})", Tone.DIM
    return row.what, Tone.WARN if row.glyph is Glyph.WARN else Tone.PLAIN


JOURNAL: Final[Table[EntryRow]] = Table(
    (
        glyph_column(),
        Column(
            "TIME UTC",
            lambda row, _: (row.when, Tone.NAME),
            8,
            "when it was applied",
            grows=lambda _: 16,
            short="TIME",
        ),
        Column("EPOCH", lambda row, _: (str(row.epoch), Tone.DIM), 5, "its number", right=True, goes=5, least=90),
        Column("ID", lambda row, _: (row.name, Tone.DIM), SHOWN_DIGITS, "h2o undo takes it", goes=6, least=110),
        Column(
            "WHO",
            lambda row, _: (row.actor, Tone.PLAIN),
            6,
            "who decided",
            goes=2,
            least=NARROW,
            grows=lambda width: width * 16 // 100,
            sort="who",
            by=lambda row: (row.actor, -row.epoch),
            ascending=True,
        ),
        Column(
            "SAYS SO",
            lambda row, _: (row.checked, Tone.GOOD if row.checked == "verified" else Tone.DIM),
            8,
            "verified: an agent has seen who it was; claimed: their own program says so",
            goes=4,
            least=100,
        ),
        Column("WHAT", _what, 14, "what it did; FORCED: a guard had refused it (!); undone by another change (~)"),
        Column(
            "WHY",
            lambda row, _: (row.reason, Tone.DIM),
            8,
            "the reason that was given",
            goes=3,
            least=90,
            grows=lambda width: width // 5,
        ),
    ),
    worst=lambda row: (-row.epoch,),
    order="newest",
    rest=-2,
)
