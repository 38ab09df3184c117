"""What happened to a package in the last hour: instances came, ended, and the last one went. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.figures import age
from h2o_console.rows.places import SHORT_ID, Kind, Place
from h2o_console.rows.sections import title
from h2o_console.text import pad, safe

if TYPE_CHECKING:
    from h2o_console.store.views import PackageView

_RECENT_S: Final = 3600.0


def event_lines(view: PackageView, width: int) -> Iterator[Line]:
    """Starts and ends in the last hour, the newest first, as far as the agents know them."""
    events = sorted(_events(view), key=lambda event: event[0])
    if not events:
        return
    yield from title("WHAT HAPPENED in the last hour, as far as is known", width)
    for at, (ago_s, text, tone, place) in enumerate(events[:20]):
        cells = (Cell(f"  {pad(age(ago_s), 5, right=True)} ago  ", Tone.DIM), Cell(pad(text, max(width - 13, 0)), tone))
        yield Line(f"event:{at}", cells, selectable=place is not None, opens=place)


def _events(view: PackageView) -> Iterator[tuple[float, str, Tone, Place | None]]:
    if view.gone_s is not None:
        yield view.gone_s, "the last instance went", Tone.BAD, None
    for one in view.instances:
        place = Place(Kind.INSTANCE, one.key)
        where = f"{safe(one.version, 24)} on {safe(one.host, 40)}".strip()
        name = safe(one.id, 30)[:SHORT_ID]
        if name and one.up_s is not None and 0 <= one.up_s < _RECENT_S:
            yield one.up_s, f"{name} came ({where})", Tone.GOOD, place
        child = one.child
        if child is not None and child.exit and child.exit_age_s is not None and 0 <= child.exit_age_s < _RECENT_S:
            often = f", {child.failures} times in a row" if child.failures > 1 else ""
            yield child.exit_age_s, f"an instance ended: {safe(child.exit, 60)}{often} ({where})", Tone.WARN, place
