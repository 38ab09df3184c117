"""What is asked of the resource under the cursor: its JSON, its name to the clipboard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Tone
from h2o_console.rows.marks import together
from h2o_console.rows.places import Kind, Place
from h2o_console.text import safe
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.commands.marks import marked, too_many
from h2o_console.tui.files import write_new
from h2o_console.tui.saving import JSON, as_json, as_text, name_for
from h2o_console.tui.screens.describe import DESCRIBED
from h2o_core.figures import many

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


def _save(desk: Desk, typed: str) -> None:
    """To a file that is not there yet; a name that ends with .json, or none in a view of JSON, takes the JSON."""
    session, seen = desk.session, desk.seen
    path = Path(typed or name_for(session, seen)).expanduser()
    several, place = marked(desk), resource(desk)
    if path.suffix == JSON or seen.place.kind is Kind.JSON:
        of = seen.place if seen.place.kind is Kind.JSON else together(Kind.JSON, several) if several else place
        path, text = path.with_suffix(JSON), as_json(session, of) if of is not None else ""
    else:
        text = as_text(session, seen)
    if not text:
        desk.say("there is nothing under the cursor to save", Tone.WARN)
    elif why := write_new(text, path):
        desk.say(f"not saved: {path}: {why}; :save FILE names another", Tone.WARN)
    else:
        written = many(len(text.splitlines()), "line is", "lines are")
        desk.say(f"{written} in {path.absolute()}, for your eyes alone")


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
        "copy its name, or those of all marked, one a line; of logs the entry, of JSON all of it",
        _copy,
        Group.RESOURCE,
        ("c",),
        ("copy",),
        hint="copy",
    ),
    Command(
        "save",
        "all lines of what is on screen into a new file; NAME.json: what is known of it, or of all marked",
        _save,
        Group.RESOURCE,
        names=("save",),
        takes="[FILE]",
        offers=lambda desk: (name := name_for(desk.session, desk.seen), str(Path(name).with_suffix(JSON))),
    ),
)
