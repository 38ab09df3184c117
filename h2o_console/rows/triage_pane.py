"""Around the list of findings: what was looked at, evidence of the one under the cursor, and what quiet means. Pure.

What nobody has looked at is never called well: silent hosts and an unreadable register are named.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.evidence import changed_text, evidence_text
from h2o_console.rows.figures import age, rate
from h2o_console.rows.headline import nothing_known
from h2o_console.text import pad, safe, width as cells_of
from h2o_core.figures import many
from h2o_core.insights.finding import Severity

if TYPE_CHECKING:
    from h2o_console.rows.triage import FindingRow
    from h2o_console.store.insight import Insight
    from h2o_console.store.views import FleetView
    from h2o_core.insights.finding import Finding
    from h2o_core.insights.grouping import Group

_OLD_S: Final = 15.0
"""A look that is older is no news: findings are to be there within ten seconds."""
_NAMED: Final = 3
_DAMAGED: Final = 2
_HIGH, _LOW, _NONE = 24, 16, 0
"""From this many lines of the terminal on, the pane has seven, or five; lower ones have none."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is said of the look itself: how old it is, whether what is decided was read, of what fleet.

    `blind`: why nobody could look since; `unreadable`: what of control and notes can't be read.
    """

    fleet: FleetView
    age_s: float | None
    decided: bool
    blind: str = ""
    unreadable: tuple[str, ...] = ()

    @property
    def old(self) -> bool:
        """It is no news any more."""
        return self.age_s is not None and self.age_s > _OLD_S


def scope(looked: Looked) -> str:
    """``96 hosts, 612 instances, looked 2s ago``; nothing that was not looked at."""
    fleet = looked.fleet
    of = "" if fleet.answering == fleet.hosts else f"{fleet.answering} of "
    ago = "" if looked.age_s is None else f", looked {age(looked.age_s)} ago"
    return f"{of}{many(fleet.hosts, 'host')}, {many(fleet.instances, 'instance')}{ago}"


def unseen(looked: Looked) -> tuple[str, ...]:
    """What was not looked at, and why; nothing when everything was."""
    silent = looked.fleet.silent
    said: list[str] = []
    if silent:
        named = [f"{safe(one.host, 40)} ({safe(one.why, 60)})" if one.why else safe(one.host, 40) for one in silent]
        more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
        said.append(f"nothing known of {many(len(silent), 'host')}: {', '.join(named[:_NAMED])}{more}")
    return (*said, *_unread(looked))


def _unread(looked: Looked) -> Iterator[str]:
    """What was not looked at of the whole fleet."""
    if not looked.decided:
        yield "nothing known of what is decided: no reviews, no avoids, no changes"
    for sentence in looked.unreadable[:_DAMAGED]:
        yield f"not read: {safe(sentence, 300)}"
    if looked.blind:
        yield safe(looked.blind, 200)
    if looked.old:
        yield f"the last look is {age(looked.age_s or 0.0)} old"


def summary(insight: Insight | None, looked: Looked, width: int) -> Line:
    """Over the list: how many causes hurt how much, and what was looked at."""
    if insight is None:
        return Line("", (Cell(pad(" looking…", width), Tone.DIM),), selectable=False)
    groups = insight.news.groups
    wrong = [one for one in groups if one.severity > Severity.NOTE]
    missing = unseen(looked)  # of hosts the banner says which
    if wrong:
        hurt = sum(one.hurt_per_s for one in wrong)
        hurting = f", {rate(hurt)} requests/s hurt" if hurt >= 0.005 else ""
        tone = Tone.BAD if any(one.severity is Severity.PAGE for one in wrong) else Tone.WARN
        said = f" {many(len(wrong), 'cause')} of trouble{hurting}"
    elif missing:
        tone, said = Tone.UNKNOWN, " nothing wrong as far as is known"
    else:
        tone, said = Tone.GOOD, " all is well"
    notes = len(groups) - len(wrong)
    more = [many(notes, "note")] if notes else []
    more += [f"{len(insight.news.muted)} muted"] if insight.news.muted else []
    rest = f"{', ' if more else ''}{', '.join(more)} · {scope(looked)}"
    cells = [Cell(said, tone), Cell(rest, Tone.DIM), Cell("".join(f" · {one}" for one in _unread(looked)), Tone.WARN)]
    return Line("", _cut(cells, width), selectable=False)


def _cut(cells: Sequence[Cell], width: int) -> tuple[Cell, ...]:
    """Exactly *width* cells."""
    found: list[Cell] = []
    for cell in cells:
        shown = pad(cell.text, min(cells_of(cell.text), max(width, 0)))
        found.append(Cell(shown, cell.tone))
        width -= cells_of(shown)
    return (*found, Cell(" " * max(width, 0)))


def quiet(insight: Insight | None, looked: Looked) -> tuple[Cell, ...]:
    """What stands in an empty list: that all is well and by what, or why nobody knows."""
    if unknown := nothing_known(looked.fleet):
        return unknown
    if insight is None:
        return Cell("Looking…", Tone.DIM), Cell("rates are differences: the first look takes some seconds", Tone.DIM)
    missing = unseen(looked)
    muted = insight.news.muted
    if missing:
        return (
            Cell("Nothing is wrong as far as is known.", Tone.UNKNOWN),
            Cell(f"Looked at {scope(looked)}.", Tone.DIM),
            *(Cell(f"{one[0].upper()}{one[1:]}.", Tone.WARN) for one in missing),
        )
    said = [Cell("All is well.", Tone.GOOD), Cell(f"Looked at {scope(looked)}.", Tone.DIM)]
    if not insight.compared:
        said.append(Cell("How it was before is not known yet: what is slower than it was is not seen.", Tone.DIM))
    if muted:
        said.append(Cell(f"{many(len(muted), 'finding')} muted", Tone.DIM))
    return tuple(said)


# ---------------------------------------------------------------------- the one under the cursor


def pane_lines(height: int) -> int:
    """How many lines the pane has in a terminal of *height* lines; always as many, so that nothing jumps."""
    return 7 if height >= _HIGH else 5 if height >= _LOW else _NONE


def about(row: FindingRow, finding: Finding, group: Group, now_s: float, size: tuple[int, int]) -> tuple[Line, ...]:
    """Its sentence in full, evidence, what was changed before, what it explains, and the command that acts."""
    width, height = size
    room = pane_lines(height)
    if not room:
        return ()
    lines = list(_body(row, finding, group, now_s, width))[: room - 1]
    lines.append(_act(row, group, width))
    return (*lines, *[Line("", ())] * (room - len(lines)))


def _body(row: FindingRow, finding: Finding, group: Group, now_s: float, width: int) -> Iterator[Line]:
    noted = f" · {row.noted}" if row.noted else ""
    head = (
        Cell(f" {row.name} ", Tone.NAME),
        Cell(f" {row.glyph.sign} {row.severity}", row.glyph.tone),
        Cell(f" for {row.lasts}{noted}", Tone.DIM),
    )
    yield Line("", head)
    for part in wrap(safe(finding.sentence, 1000), max(width - 5, 10))[:3]:
        yield Line("", (Cell(f"  {pad(part, max(width - 3, 0))}"),))
    if group.changed is not None and not row.cause:
        yield _item("~", changed_text(group.changed, now_s), Tone.NOTE, width)
    for one in finding.evidence:
        yield _item("·", evidence_text(one), Tone.DIM, width)
    if row.explains:
        subjects = ", ".join(safe(f"{one.subject} ({one.kind})", 80) for one in group.symptoms)
        yield _item("+", f"explains {many(row.explains, 'finding')}: {subjects}", Tone.DIM, width)


def _act(row: FindingRow, group: Group, width: int) -> Line:
    if row.cause:
        cause = f"explained by {safe(str(group.cause.subject), 80)}: {safe(group.cause.sentence, 300)}"
        return _item("↑", cause, Tone.KEY, width)
    if not row.command:
        return Line("", ())
    return Line(
        "", (Cell(f"  → {row.action}: ", Tone.KEY), Cell(pad(row.command, max(width - len(row.action) - 6, 0))))
    )


def _item(mark: str, text: str, tone: Tone, width: int) -> Line:
    return Line("", (Cell(f"  {mark} ", tone), Cell(pad(text, max(width - 4, 0)), tone)))
