"""What is asked of the resource under the cursor: its JSON, its name to the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.marks import together
from h2o_console.rows.places import Kind, Place
from h2o_console.text import safe
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.commands.marks import marked, too_many
from h2o_console.tui.screens.describe import DESCRIBED

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk


def resource(desk: Desk) -> Place | None:
    """What the cursor is on; in a detail whose line stands for nothing, the detail's own."""
    return desk.seen.resource(desk.list.cursor)


def _json(desk: Desk, _: str) -> None:
    place, several = resource(desk), marked(desk)
    if several:
        if not too_many(desk, several):
            desk.open(together(Kind.JSON, several))
    elif place is None:
        desk.say("there is nothing under the cursor", Tone.WARN)
    else:
        desk.open(Place(Kind.JSON, place.key, place.kind))


def _describe(desk: Desk, _: str) -> None:
    place = resource(desk)
    if place is None:
        desk.say("there is nothing under the cursor", Tone.WARN)
    elif place.kind in DESCRIBED:
        desk.open(Place(Kind.DESCRIBE, place.key, place.kind))
    else:
        desk.open(place)


def _copy(desk: Desk, _: str) -> None:
    names = dict.fromkeys(safe(place.key, 500) for place in marked(desk))
    text = "\n".join(names) or desk.seen.copied(desk.list.cursor)
    if text:
        desk.copy(text)
    else:
        desk.say("there is nothing to copy under the cursor", Tone.WARN)


RESOURCES: Final = (
    Command(
        "describe",
        "what its agent says of it: of an instance argv, last exit, last words; of a host its health",
        _describe,
        Group.RESOURCE,
        ("d",),
        ("describe",),
        hint="describe",
    ),
    Command("json", "what is known of it, or of all marked, as JSON", _json, Group.RESOURCE, ("y",), ("json",)),
    Command(
        "copy",
        "copy its name, or those of all marked, one a line; in the JSON view: all of it",
        _copy,
        Group.RESOURCE,
        ("c",),
        ("copy",),
        hint="copy",
    ),
)
