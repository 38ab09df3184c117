"""Findings → rows, and the columns of the Triage view: causes, the most hurt first, and what they explain. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.measured import LAST_60S
from h2o_console.rows.cells import Glyph, Tone
from h2o_console.rows.figures import age, moment, rate
from h2o_console.rows.finding_keys import finding_key
from h2o_console.rows.reasons import GLYPHS
from h2o_console.rows.tables import NARROW, Canvas, Column, Shown, Table, glyph_column
from h2o_console.rows.told import Said
from h2o_console.text import safe
from h2o_core.insights.notes import Says
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_console.store.insight import Insight
    from h2o_core.insights.finding import Finding, Key
    from h2o_core.insights.grouping import Group
    from h2o_core.insights.notes import Note
    from h2o_core.insights.standing import Standing

_SENTENCE: Final = 1000
_NAME: Final = 120


@dataclass(frozen=True, slots=True)
class FindingRow:
    """An open finding as a line. `place` is where it stands: after what is muted, in its group, below its cause.

    `package` and `host`: whom it is about, as the store calls them.
    `cause`: the key of the finding that explains it, "" for a cause. `says`: its sentence, without the name that
    stands before it. `noted`: who looks after it, or that it is muted and until when.
    """

    key: str
    name: str
    glyph: Glyph
    severity: str
    place: tuple[int, int, int]
    says: str
    since_s: float
    lasts: str
    package: str = ""
    host: str = ""
    hurt_per_s: float = 0.0
    cause: str = ""
    explains: int = 0
    action: str = ""
    command: str = ""
    noted: str = ""
    muted: bool = False
    found_by: str = ""
    unfolded: bool = False

    @property
    def ages(self) -> bool:
        """It says how long it has been so."""
        return True


def finding_rows(insight: Insight | None, notes: Iterable[Note], now_s: float) -> tuple[FindingRow, ...]:
    """All that is open at the Unix time *now_s*: causes in their order, each with what it explains; then the muted."""
    if insight is None:
        return ()
    making = _Making(insight.standing, tuple(notes), now_s)
    groups = [(False, one) for one in insight.news.groups] + [(True, one) for one in insight.news.muted]
    return tuple(row for at, (muted, one) in enumerate(groups) for row in making.rows(one, at, muted=muted))


def found(insight: Insight | None, key: str) -> Said | None:
    """The open finding of that key; None when there is none."""
    if insight is None:
        return None
    for group in (*insight.news.groups, *insight.news.muted):
        for one in (group.cause, *group.symptoms):
            if finding_key(one.key) == key:
                return Said(one, group, insight.standing.get(one.key))
    return None


@dataclass(frozen=True, slots=True)
class _Making:
    standing: Mapping[Key, Standing]
    notes: Sequence[Note]
    now_s: float

    def rows(self, group: Group, at: int, *, muted: bool) -> Iterator[FindingRow]:
        cause = group.cause
        members = " ".join(str(one.subject) for one in group.symptoms)
        yield self._row(cause, group, (muted, at, 0), found_by=f"{cause.subject} {cause.kind} {members}")
        for below, one in enumerate(group.symptoms, start=1):
            yield self._row(one, group, (muted, at, below), found_by=f"{one.subject} {one.kind}")

    def _row(self, one: Finding, group: Group, place: tuple[int, int, int], *, found_by: str) -> FindingRow:
        cause, muted = place[2] == 0, bool(place[0])
        known = self.standing.get(one.key)
        since_s = self.now_s if known is None else known.since_s
        glyph_of = group.severity if cause else one.severity
        action = one.action if cause else None
        return FindingRow(
            key=finding_key(one.key),
            name=safe(str(one.subject), _NAME),
            glyph=GLYPHS[glyph_of],
            severity=glyph_of.name,
            place=place,
            says=safe(_without_name(one), _SENTENCE),
            since_s=since_s,
            lasts=age(max(0.0, self.now_s - since_s)),
            package=shown(one.subject.package),
            host=one.subject.host,
            hurt_per_s=group.hurt_per_s if cause else one.hurt_per_s,
            cause="" if cause else finding_key(group.cause.key),
            explains=len(group.symptoms) if cause else 0,
            action=safe(action.sentence, 60) if action is not None else "",
            command=safe(action.command, _SENTENCE) if action is not None else "",
            noted=noted_text(one.key, known, self.notes, self.now_s),
            muted=muted,
            found_by=found_by,
        )


def noted_text(key: Key, known: Standing | None, notes: Iterable[Note], now_s: float) -> str:
    """Who has said what of the finding; "" when nobody has."""
    for note in notes:
        if (note.key, note.says) == (key, Says.MUTED) and note.until_s > now_s:
            return f"muted by {safe(note.owner, 40)} until {moment(note.until_s, now_s)}{_why(note)}"
    held = known.acknowledged if known is not None else None
    if held is None:
        return ""
    return f"{safe(held.owner, 40)} looks after it since {moment(held.at_s, now_s)}{_why(held)}"


def _without_name(one: Finding) -> str:
    """Its sentence; the name that it begins with stands beside it."""
    name = str(one.subject)
    rest = one.sentence.removeprefix(name).removeprefix(":")
    return rest.lstrip() if rest.startswith(" ") else one.sentence


def _why(note: Note) -> str:
    return f": {safe(note.reason, 80)}" if note.reason else ""


# ---------------------------------------------------------------------- columns


def _what(row: FindingRow, _: Canvas) -> Shown:
    if row.cause:
        return f"  └ {row.name}", Tone.DIM
    folded = f"  {'-' if row.unfolded else '+'}{row.explains}" if row.explains else ""
    return f"{row.name}{folded}", Tone.DIM if row.muted else Tone.NAME


def _quiet(row: FindingRow, tone: Tone) -> Tone:
    """What somebody looks after, what is muted and what its cause explains stands back."""
    return Tone.DIM if row.muted or row.noted or row.cause else tone


def _why_column(row: FindingRow, _: Canvas) -> Shown:
    if row.noted:
        return f"{row.noted} · {row.says}", Tone.DIM
    return row.says, _quiet(row, Tone.PLAIN)


def _hurt(row: FindingRow, _: Canvas) -> Shown:
    return rate(row.hurt_per_s), _quiet(row, Tone.PLAIN if row.hurt_per_s else Tone.DIM)


def _action(row: FindingRow, _: Canvas) -> Shown:
    if row.cause:
        return "↑ its cause", Tone.DIM
    return (f"→ {row.action}" if row.action else ""), _quiet(row, Tone.KEY)


TRIAGE: Final[Table[FindingRow]] = Table(
    (
        glyph_column(),
        Column(
            "SEVERITY",
            lambda row, _: (row.severity, _quiet(row, row.glyph.tone)),
            6,
            "PAGE gets somebody up, TICKET is to be looked at, NOTE is worth knowing",
            goes=6,
            least=110,
            short="SEV",
        ),
        Column(
            "SINCE",
            lambda row, _: (row.lasts, Tone.DIM),
            5,
            "how long it has been open",
            right=True,
            goes=3,
            least=NARROW,
            sort="newest",
            by=lambda row: (-row.since_s, row.place),
        ),
        Column(
            "HURT/S",
            _hurt,
            7,
            "requests a second that fail or take too long, by what it explains too",
            right=True,
            goes=4,
            least=90,
            over=LAST_60S,
        ),
        Column(
            "WHAT",
            _what,
            7,
            "whom it is about; +3: it explains three other findings, e shows them below it",
            grows=lambda width: width * 26 // 100 if width >= NARROW else width * 2 // 5,
            sort="name",
            by=lambda row: (row.name, row.place),
            ascending=True,
        ),
        Column("WHY", _why_column, 14, "the sentence; evidence, change and command stand below the list"),
        Column(
            "ACTION",
            _action,
            8,
            "what to do about it: a opens it as a plan; of a symptom its cause has it",
            goes=2,
            least=90,
            grows=lambda width: width // 5,
        ),
    ),
    worst=lambda row: row.place,
    rest=-2,
)
