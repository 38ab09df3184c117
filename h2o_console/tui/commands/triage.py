"""What is asked of the list of findings: what a cause explains, and what explains a symptom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.triage import TriageScreen

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk


def _explain(desk: Desk, _: str) -> None:
    screen, key = desk.seen, desk.list.cursor
    assert isinstance(screen, TriageScreen), "this command is for findings alone"
    row = screen.board.rows.get(key)
    if row is None:
        desk.say("there is nothing under the cursor", Tone.WARN)
    elif not (row.explains or row.cause):
        desk.say("it explains no other finding, and none explains it")
    else:
        desk.list.select(screen.unfold(key))


TRIAGE: Final = (
    Command(
        "explain",
        "show what the cause explains, or hide it; on a symptom: go to its cause",
        _explain,
        Group.LIST,
        ("e",),
        ("explain", "cause"),
        on=TriageScreen,
        hint="explains",
    ),
)
