"""What is asked of the resource under the cursor: its JSON, its name to the clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.places import Kind, Place
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.describe import DESCRIBED

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk


def resource(desk: Desk) -> Place | None:
    """What the cursor is on; in a detail whose line stands for nothing, the detail's own."""
    return desk.seen.resource(desk.list.cursor)


def _json(desk: Desk, _: str) -> None:
    place = resource(desk)
    if place is None:
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
    text = desk.seen.copied(desk.list.cursor)
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
    Command("json", "what is known of it, as JSON", _json, Group.RESOURCE, ("y",), ("json",)),
    Command(
        "copy", "copy its name; in the JSON view: all of it", _copy, Group.RESOURCE, ("c",), ("copy",), hint="copy"
    ),
)
