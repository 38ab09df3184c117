"""Commands that change something, each through its plan; who may, and for which incident."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.acting.request import reason_line
from h2o_console.rows.cells import Tone
from h2o_console.tui.commands.command import Command, Group

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk

_NONE: Final = "none"


def _arm(desk: Desk, _: str) -> None:
    changing = desk.session.changing
    if changing is None:
        desk.say(desk.session.unchanging, Tone.WARN)
    else:
        changing.arm(desk.session.clock())
        desk.say("armed for 15 min: every change still shows its plan first; :disarm ends it", Tone.WARN)


def _disarm(desk: Desk, _: str) -> None:
    if desk.session.changing is not None:
        desk.session.changing.disarm()
    desk.say("read-only")


def _incident(desk: Desk, typed: str) -> None:
    changing, name = desk.session.changing, reason_line(typed)
    if changing is None:
        desk.say(desk.session.unchanging, Tone.WARN)
    elif not name:
        desk.say(f"the incident is {changing.incident}" if changing.incident else "no incident; :incident ID sets one")
    else:
        changing.incident = "" if name == _NONE else name
        desk.say(f"{name} stands in every reason from now on" if changing.incident else "no incident any more")


ACTING: Final = (
    Command(
        "act",
        "what can be done with it, or with all marked: one more letter shows the plan",
        lambda desk, _: desk.menu(),
        Group.CHANGES,
        ("a",),
        ("act",),
        hint="act",
    ),
    Command(
        "undo",
        "take back the change under the cursor; elsewhere one's own last one",
        lambda desk, _: desk.undo(),
        Group.CHANGES,
        ("u",),
        ("undo",),
        hint="undo",
    ),
    Command(
        "incident",
        "put ID into every reason; none takes it out",
        _incident,
        Group.CHANGES,
        names=("incident",),
        takes="ID",
        offers=lambda _: (_NONE,),
    ),
    Command("arm", "let this console change something for 15 min", _arm, Group.CHANGES, names=("arm",)),
    Command("disarm", "read-only again", _disarm, Group.CHANGES, names=("disarm",)),
)
