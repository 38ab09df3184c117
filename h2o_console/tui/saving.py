"""What is on screen as a text to keep: all lines of the place, also those that are not seen, or its JSON."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Line, in_ascii
from h2o_console.rows.documents import json_text
from h2o_console.text import safe
from h2o_console.tui.resources import values_of
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.rows.places import Place
    from h2o_console.tui.screens.screen import ConsoleScreen
    from h2o_console.tui.session import Session

JSON: Final = ".json"
_WIDTH: Final = 200
_PLAIN: Final = re.compile(r"[^A-Za-z0-9._-]+")


def name_for(session: Session, seen: ConsoleScreen) -> str:
    """``h2o-prod-api-customer-20260202T024000Z.txt``."""
    moment = datetime.fromtimestamp(session.wall(), UTC)
    words = _PLAIN.sub("-", f"h2o-{session.context}-{seen.place.crumb}").strip("-.")[:80]
    return f"{words}-{moment:%Y%m%dT%H%M%SZ}.txt"


def as_text(session: Session, seen: ConsoleScreen) -> str:
    """Where and when it was, then heads and lines as they are."""
    head = f"{safe(session.context, 40)} > {safe(seen.crumb, 200)}, {rfc3339(session.wall())}"
    if (frozen_s := session.frozen_s) is not None:
        head += f", frozen for {frozen_s:.0f} s"
    shown = (*seen.heads(), *(seen.line(key, _WIDTH) for key in seen.order))
    lines = [head, "", *map(_text, shown)]
    return "\n".join(in_ascii(line) if session.ascii_only else line for line in lines) + "\n"


def as_json(session: Session, place: Place) -> str:
    """All that is known of what the place names; "" when that is nothing."""
    value = values_of(session, place, session.clock())
    return "" if value is None else f"{json_text(value)}\n"


def _text(line: Line) -> str:
    return "".join(cell.text for cell in line.cells).rstrip()
