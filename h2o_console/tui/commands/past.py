"""How far back graphs go."""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.past import SPANS
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.past import PastScreen

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk


def _span(desk: Desk, typed: str) -> None:
    session = desk.session
    if typed and typed not in SPANS:
        desk.say(f"graphs go back {', '.join(SPANS)}", Tone.WARN)
        return
    at = [*SPANS].index(session.span.name)
    session.span = SPANS[typed or next(islice(cycle(SPANS), at + 1, None))]
    desk.say(f"graphs go back {session.span.name}; t: further, then an hour again")


PAST: Final = (
    Command(
        "span",
        "how far back graphs go: 1h, 6h, 24h, 7d, then an hour again",
        _span,
        Group.RESOURCE,
        ("t",),
        ("window",),
        f"[{'|'.join(SPANS)}]",
        lambda _: SPANS,
        PastScreen,
        "further back",
    ),
)
