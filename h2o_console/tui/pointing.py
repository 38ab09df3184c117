"""What a click on the lines around a list means: a column's head sorts by it, a crumb goes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.rows.headline import crumb_at, crumb_text
from h2o_console.rows.tables import column_at
from h2o_console.tui.commands.registry import BY_ID, BY_NAME
from h2o_console.tui.screens.listing import list_of

if TYPE_CHECKING:
    from h2o_console.rows.cells import Line
    from h2o_console.tui.commands.command import Command, Desk


def on_heads(desk: Desk, x: int) -> Command | None:
    """Sort by the column at *x*, by the same again the other way round; what was done, None for nothing."""
    screen = list_of(desk.seen)
    column = None if screen is None else column_at(screen.columns, x)
    if column is None or column.by is None:
        return None
    command = BY_ID["sort"]
    command.run(desk, column.sort)
    return command


def on_crumbs(desk: Desk, header: Line, x: int) -> None:
    """Go up to the place whose crumb is at *x*; one that nothing led through is a view, the fleet is the first one."""
    word = crumb_at(header, x)
    if not word:
        return
    journey = desk.journey
    above = [place for place in journey.trail[:-1] if crumb_text(place.crumb) == word]
    if above:
        journey.climb(above[-1])
    elif word in desk.seen.crumbs:
        BY_NAME[word].run(desk, "")
        return
    else:
        journey.view(journey.home)
    desk.show()
