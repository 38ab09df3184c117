"""One finding in full: the sentence, the action, all evidence, what was changed before, what it explains, where to go.

Pure: what was found in, lines for a list out; causes, symptoms, changes and whom it is about are ways on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.evidence import amount, changed_text
from h2o_console.rows.figures import UNKNOWN, age, moment, rate
from h2o_console.rows.finding_keys import finding_key
from h2o_console.rows.places import Kind, Place
from h2o_console.rows.sections import Field, Grid, plain, title
from h2o_console.rows.triage import GLYPHS, noted_text
from h2o_console.text import pad, safe
from h2o_core.insights.finding import Severity
from h2o_core.names import shown

if TYPE_CHECKING:
    from h2o_console.rows.told import Said
    from h2o_core.audit import Entry
    from h2o_core.insights.finding import Evidence, Finding
    from h2o_core.insights.notes import Note

_EVIDENCE: Final = (
    Field("EVIDENCE", 8),
    Field("VALUE", 8, right=True),
    Field("AGAINST", 8, 1, right=True),
    Field("REQUESTS", 8, 3, right=True),
    Field("WINDOW", 8, 2),
)
_SYMPTOMS: Final = (
    Field("", 1),
    Field("WHAT", 8),
    Field("HURT/S", 6, 1, right=True),
    Field("WHY", 20),
)
_MEANS: Final = {
    Severity.PAGE: "somebody is to get up",
    Severity.TICKET: "somebody is to look by day",
    Severity.NOTE: "worth knowing",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What is known beside the finding: people's notes, the journal's entries, since when it is closed (None: open)."""

    notes: Sequence[Note] = ()
    entries: Sequence[Entry] = ()
    closed_s: float | None = None


def finding_lines(found: Said, beside: Beside, now_s: float, width: int) -> tuple[Line, ...]:
    """All lines, for the Unix time *now_s*."""
    return (
        *_head(found, beside, now_s, width),
        *_action(found, width),
        *_evidence(found.finding, width),
        *_changed(found, beside, now_s, width),
        *_symptoms(found, width),
        *_ways(found.finding, width),
    )


def _head(found: Said, beside: Beside, now_s: float, width: int) -> Iterator[Line]:
    one = found.finding
    severity = found.group.severity if found.is_cause else one.severity
    glyph = GLYPHS[severity]
    if beside.closed_s is not None:
        ago = age(max(0.0, now_s - beside.closed_s))
        text = f"  closed {ago} ago, at {moment(beside.closed_s, now_s)} UTC; below is what was so before"
        yield plain("closed", text, Tone.GOOD, width)
    for at, part in enumerate(wrap(safe(one.sentence, 1000), max(width - 13, 10)) or [""]):
        mark = f"{glyph.sign} {severity.name:<8}" if at == 0 else " " * 10
        yield Line(f"why:{at}", (Cell(mark, glyph.tone), Cell(f" {part}")), selectable=False)
    since = "just now" if found.standing is None else f"{moment(found.standing.since_s, now_s)} UTC"
    lasted = "" if found.standing is None else f" ({age(max(0.0, now_s - found.standing.since_s))})"
    hurt = found.group.hurt_per_s if found.is_cause else one.hurt_per_s
    hurting = f", hurts {rate(hurt)} requests/s" if hurt >= 0.005 else ", hurts no request yet"
    told = f"{one.kind.value}, since {since}{lasted}{hurting}; {_MEANS[severity]}"
    for at, part in enumerate(wrap(told, max(width - 3, 10))):
        yield plain(f"since:{at}", f"  {part}", Tone.DIM, width)
    if noted := noted_text(one.key, found.standing, beside.notes, now_s):
        yield plain("noted", f"  {noted}", Tone.NOTE, width)


def _action(found: Said, width: int) -> Iterator[Line]:
    if not found.is_cause:
        yield from title("CAUSE: the action is there", width)
        yield _reference(found.group.cause, "cause", width)
        return
    action = found.finding.action
    if action is None:
        return
    how = "a a opens its plan" if action.intent is not None else "it changes nothing"
    yield from title(f"ACTION ({how}, c copies the command)", width)
    yield Line("action", (Cell(pad(f"  → {safe(action.sentence, 60)}", width), Tone.KEY),))
    for at, part in enumerate(wrap(safe(action.command, 500), max(width - 5, 10), break_on_hyphens=False)):
        yield plain(f"command:{at}", f"    {part}", Tone.PLAIN, width)


def _reference(one: Finding, key: str, width: int) -> Line:
    """One line that leads to another finding."""
    glyph = GLYPHS[one.severity]
    text = pad(f"{safe(str(one.subject), 60)}  {safe(one.sentence, 500)}", max(width - 4, 0))
    place = Place(Kind.FINDING, finding_key(one.key))
    return Line(key, (Cell(f"  {glyph.sign} ", glyph.tone), Cell(text)), opens=place)


def _evidence(one: Finding, width: int) -> Iterator[Line]:
    if not one.evidence:
        return
    content = {
        "EVIDENCE": [safe(each.name, 60) for each in one.evidence],
        "VALUE": [amount(each, each.value) for each in one.evidence],
        "AGAINST": [amount(each, each.against) for each in one.evidence],
    }
    grid = Grid.fitting(_EVIDENCE, content, width)
    yield Line("gap:evidence", (Cell(" " * width),), selectable=False)
    yield from grid.heads()
    for at, each in enumerate(one.evidence):
        yield grid.line(f"evidence:{at}", _row(each))


def _row(each: Evidence) -> tuple[tuple[str, Tone], ...]:
    return (
        (safe(each.name, 60), Tone.PLAIN),
        (amount(each, each.value), Tone.NAME),
        (amount(each, each.against), Tone.PLAIN),
        (UNKNOWN if each.requests is None else f"{each.requests:,}", Tone.DIM),
        ("now" if each.over_s is None else f"last {each.over_s:.0f} s", Tone.DIM),
    )


def _changed(found: Said, beside: Beside, now_s: float, width: int) -> Iterator[Line]:
    """The last change of control that touched it lately, and its entry in the journal."""
    change = found.group.changed
    if change is None or not found.is_cause:
        return
    yield from title("CHANGED BEFORE, by the journal", width)
    entry = next((one for one in beside.entries if one.epoch == change.epoch), None)
    opens = None if entry is None else Place(Kind.ENTRY, entry.change_id)
    text = f"{moment(change.at_s, now_s)} UTC  {changed_text(change, now_s)}"
    yield Line("changed", (Cell("  ~ ", Tone.NOTE), Cell(pad(text, max(width - 4, 0)))), opens is not None, opens)


def _symptoms(found: Said, width: int) -> Iterator[Line]:
    symptoms = found.group.symptoms if found.is_cause else ()
    if not symptoms:
        return
    yield from title(f"EXPLAINS ({len(symptoms)})", width)
    grid = Grid.fitting(_SYMPTOMS, {"WHAT": [safe(str(one.subject), 60) for one in symptoms]}, width)
    yield from grid.heads()
    for at, one in enumerate(symptoms):
        glyph = GLYPHS[one.severity]
        values = (
            (glyph.sign, glyph.tone),
            (safe(str(one.subject), 60), Tone.NAME),
            (rate(one.hurt_per_s), Tone.PLAIN if one.hurt_per_s else Tone.DIM),
            (safe(one.sentence, 500), Tone.PLAIN),
        )
        yield grid.line(f"symptom:{at}", values, Place(Kind.FINDING, finding_key(one.key)))


def _ways(one: Finding, width: int) -> Iterator[Line]:
    """Whom it is about."""
    ways = list(subject_places(one))
    if not ways:
        return
    yield from title("GO TO", width)
    for place in ways:
        text = pad(f"{place.kind.value:<9} {safe(place.crumb, 80)}", max(width - 2, 0))
        yield Line(f"to:{place.kind.value}:{place.key}", (Cell("  "), Cell(text, Tone.NAME)), opens=place)


def subject_places(one: Finding) -> Iterator[Place]:
    """The screens of whom it is about, the nearest first."""
    subject = one.subject
    if subject.instance and "." not in subject.instance:
        yield Place(Kind.INSTANCE, subject.instance)
    if subject.package:
        yield Place(Kind.PACKAGE, shown(subject.package))
    if subject.host:
        yield Place(Kind.HOST, subject.host)
    if subject.feature:
        yield Place(Kind.FEATURE, shown(subject.feature))
    if subject.caller and "/" in subject.caller:
        yield Place(Kind.CALLS, shown(subject.caller))
