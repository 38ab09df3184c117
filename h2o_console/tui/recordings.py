"""The recording that the command line names: opened for a replay, or told why not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from h2o_console.recording.frames import NotARecording
from h2o_console.recording.moments import HOW, moment
from h2o_console.recording.tape import load
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.recording.player import Player
    from h2o_console.recording.tape import Tape
    from h2o_console.tui.session import Session


class Unplayable(Exception):
    """The sentence says what to tell."""


def opened(said: str, kept: Path | None) -> Tape:
    """The recording at *said*, or at *kept*, where the console itself keeps a fleet's; raises Unplayable."""
    path = Path(said).expanduser() if kept is None else kept
    try:
        return load(path)
    except NotARecording as error:
        why = str(error)
    except OSError as error:
        why = (error.strerror or "it can't be read").lower()
    if kept is not None:
        msg = f"nothing is recorded of this fleet yet ({path}: {why}): the console records while it runs"
    else:
        msg = f"{path} can't be played: {why}"
    raise Unplayable(msg)


def place_in(tape: Tape, said: str) -> float | None:
    """Where to begin; None: nothing was said. Raises Unplayable."""
    if not said:
        return None
    at_s = moment(said, tape.ended_s)
    if at_s is None:
        msg = f"{said} is no moment: {HOW}"
        raise Unplayable(msg)
    if not tape.began_s <= at_s <= tape.ended_s:
        span = f"{rfc3339(tape.began_s)} to {rfc3339(tape.ended_s)}"
        msg = f"nothing is recorded of {said}: the recording goes from {span}"
        raise Unplayable(msg)
    return at_s


def show(player: Player, session: Session) -> None:
    """Let *session* show what *player* plays, on its clocks; nothing can be changed from it."""
    tape = player.tape
    session.context = session.context or tape.context or tape.fleet
    session.unchanging = "this is a recording: nothing can be changed from here"
    session.replaying, session.clock, session.wall = player, player.stage_s, player.wall_s
    session.odd = (*session.odd, *tape.odd)
