"""Below the journal: who made the change under the cursor, why, and what takes it back. Pure."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from h2o_console.acting.request import sentence
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.entry_detail import undo_command
from h2o_console.rows.figures import age
from h2o_console.rows.journal import short
from h2o_console.text import pad, safe

if TYPE_CHECKING:
    from h2o_core.audit import Entry

_LINES = 4
_ROOM = 16


def about(entry: Entry | None, undone_by: str, now_s: float, size: tuple[int, int]) -> tuple[Line, ...]:
    """Always as many lines, so that nothing jumps; lower terminals have none."""
    width, height = size
    if height < _ROOM:
        return ()
    if entry is None:
        return (Line("", ()),) * _LINES
    author = entry.author
    checked = "verified" if author.verified else "claimed"
    head = (
        f" {age(max(0.0, now_s - entry.at_s))} ago by {safe(author.actor, 60)} ({checked}), {safe(author.origin, 60)}"
    )
    said = wrap(safe(f"{'FORCED: ' if entry.forced else ''}{sentence(entry)}", 600), max(width - 4, 10))[:1]
    back = f"undone by {short(undone_by)}" if undone_by else f"→ take it back: {undo_command(entry)}"
    return (
        Line("", (Cell(f" {short(entry.change_id)} ", Tone.NAME), Cell(pad(head, max(width - 10, 0)), Tone.DIM))),
        Line("", (Cell(f"  {pad(' '.join(said), max(width - 3, 0))}", Tone.WARN if entry.forced else Tone.PLAIN),)),
        Line("", (Cell(pad(f"  why: {safe(author.reason, 300) or 'no reason given'}", width), Tone.PLAIN),)),
        Line("", (Cell(pad(f"  {back}", width), Tone.DIM if undone_by else Tone.KEY),)),
    )
