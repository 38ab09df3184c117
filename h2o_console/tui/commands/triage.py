"""What is asked of the list of findings: what a cause explains, and what explains a symptom."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from h2o_console.acting.moments import moment_ahead
from h2o_console.rows.cells import Tone
from h2o_console.tui.commands.command import Command, Group
from h2o_console.tui.screens.triage import TriageScreen
from h2o_core.insights.notes import ACKNOWLEDGED_S, Says

if TYPE_CHECKING:
    from h2o_console.tui.commands.command import Desk
    from h2o_core.insights.finding import Key


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


_EXAMPLE: Final = "a k and a m on a finding fill in its id"


def _named(desk: Desk, typed: str) -> tuple[Key | None, str]:
    """The finding that the first word means, by its id, and the rest; None when it means none."""
    word, _, rest = typed.partition(" ")
    meant = [key for key in _keys(desk) if word and key.id.startswith(word)]
    if len(meant) == 1:
        return meant[0], rest.strip()
    desk.say(f"no finding has the id {word!r}; {_EXAMPLE}" if word else f"which finding? {_EXAMPLE}", Tone.WARN)
    return None, ""


def _keys(desk: Desk) -> list[Key]:
    """Of all that is open, and all of which somebody has said something."""
    session = desk.session
    known = [*session.insight.standing] if session.insight is not None else []
    noted = [note.key for note in session.control.notes] if session.control is not None else []
    return list(dict.fromkeys((*known, *noted)))


def _ids(desk: Desk) -> list[str]:
    return sorted(key.id for key in _keys(desk))


def _ack(desk: Desk, typed: str) -> None:
    key, why = _named(desk, typed)
    if key is not None:
        desk.note(key, Says.ACKNOWLEDGED, desk.session.wall() + ACKNOWLEDGED_S, why)


def _mute(desk: Desk, typed: str) -> None:
    key, rest = _named(desk, typed)
    if key is None:
        return
    until, _, why = rest.partition(" ")
    now_s = desk.session.wall()
    until_s = moment_ahead(until, now_s)
    if until_s is None or until_s <= now_s:
        desk.say(f"until when? :mute {key.id} 1h WHY, or 14:30 (UTC)", Tone.WARN)
    else:
        desk.note(key, Says.MUTED, until_s, why.strip())


def _take_back(says: Says) -> Callable[[Desk, str], None]:
    def run(desk: Desk, typed: str) -> None:
        key, _ = _named(desk, typed)
        if key is not None:
            desk.note(key, says, 0.0, "")

    return run


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
    Command(
        "ack",
        "say that you look after a finding, until it closes",
        _ack,
        Group.CHANGES,
        names=("ack",),
        takes="ID [WHY]",
        offers=_ids,
    ),
    Command(
        "mute",
        "a finding is to be quiet for so long, also when it closes and opens again",
        _mute,
        Group.CHANGES,
        names=("mute",),
        takes="ID TIME [WHY]",
        offers=_ids,
    ),
    Command(
        "unack",
        "nobody looks after it any more",
        _take_back(Says.ACKNOWLEDGED),
        Group.CHANGES,
        names=("unack",),
        takes="ID",
        offers=_ids,
    ),
    Command(
        "unmute",
        "a finding is said again",
        _take_back(Says.MUTED),
        Group.CHANGES,
        names=("unmute",),
        takes="ID",
        offers=_ids,
    ),
)
