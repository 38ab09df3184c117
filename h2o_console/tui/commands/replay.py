"""Commands of a recording: leaping about in it, its speed, and saving a part of it; and what the header says of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_console.recording.export import export
from h2o_console.recording.frames import NotARecording
from h2o_console.recording.moments import HOW, moment
from h2o_console.recording.player import SPEEDS
from h2o_console.recording.tape import load
from h2o_console.rows.cells import Tone
from h2o_console.rows.figures import size
from h2o_console.tui.commands.command import Command, Group
from h2o_core.times import rfc3339

if TYPE_CHECKING:
    from h2o_console.recording.player import Player
    from h2o_console.recording.tape import Tape
    from h2o_console.tui.commands.command import Desk
    from h2o_console.tui.session import Session

_LIVE: Final = "this is the present; what was: h2o-console --replay last"
_SAVE: Final = ":record save FILE [FROM [TO]]"
_NOT: Final = "nothing is recorded: record = false in console.toml"
_BOUNDS: Final = (float("-inf"), float("inf"))


def played(session: Session) -> tuple[str, str]:
    """(``REPLAY 14:02:07 UTC ×1``, ``5 h 12 min to the end``); empty where nothing is replayed."""
    playing = session.replaying
    if playing is None:
        return "", ""
    left_s = playing.left_s
    sign = "x" if session.ascii_only else "×"
    how = "at its end" if not left_s else "paused" if playing.paused else f"{sign}{playing.speed:g}"
    return f"REPLAY {session.utc()} {how}", f"{_long(left_s)} to the end" if left_s else ""


def _long(seconds: float) -> str:
    """``5 h 12 min``, ``12 min``, ``40 s``."""
    minutes = int(seconds // 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if minutes >= 2 else f"{int(seconds)} s"


def _in_replay(do: Callable[[Desk, Player, str], None]) -> Callable[[Desk, str], None]:
    """Only where something is replayed."""

    def run(desk: Desk, typed: str) -> None:
        if desk.session.replaying is None:
            desk.say(_LIVE, Tone.WARN)
        else:
            do(desk, desk.session.replaying, typed)

    return run


def _leap(by_s: float) -> Callable[[Desk, str], None]:
    return _in_replay(lambda _desk, playing, _: playing.leap(by_s))


def _at(desk: Desk, playing: Player, typed: str) -> None:
    to_s = moment(typed, playing.wall_s())
    if to_s is None:
        desk.say(f"{typed or 'that'} is no moment: {HOW}", Tone.WARN)
        return
    playing.go(to_s)
    began_s, ended_s = playing.tape.began_s, playing.tape.ended_s
    if not began_s <= to_s <= ended_s:
        desk.say(f"the recording goes from {rfc3339(began_s)} to {rfc3339(ended_s)}", Tone.WARN)


def _ends(session: Session) -> tuple[str, ...]:
    """Where a recording begins and ends."""
    if session.replaying is None:
        return ()
    tape = session.replaying.tape
    return rfc3339(tape.began_s)[11:19], rfc3339(tape.ended_s)[11:19]


def _speed(desk: Desk, playing: Player, typed: str) -> None:
    least, most = SPEEDS
    try:
        wanted = float(typed.removeprefix("x").removeprefix("×"))
    except ValueError:
        wanted = 0.0
    if least <= wanted <= most:
        playing.speed = wanted
    else:
        desk.say(f"a speed from {least:g} to {most:g}: :speed 10", Tone.WARN)


def _record(desk: Desk, typed: str) -> None:
    """What is recorded, or a part of it into a file."""
    match typed.split():
        case []:
            desk.say(*_recorded(desk.session))
        case ["save", file, *bounds] if len(bounds) <= len(_BOUNDS):
            _save(desk, Path(file).expanduser(), bounds)
        case _:
            desk.say(_SAVE, Tone.WARN)


def _recorded(session: Session) -> tuple[str, Tone]:
    if session.replaying is not None:
        tape = session.replaying.tape
        return f"{rfc3339(tape.began_s)} to {rfc3339(tape.ended_s)}, in {tape.files()[-1].parent}; {_SAVE}", Tone.NOTE
    if session.recorder is None:
        return _NOT, Tone.WARN
    if session.recorder.trouble:
        return f"not recorded: {session.recorder.trouble}", Tone.WARN
    where = session.recorder.where
    return f"the last {where.keep_s / 3600:g} h are kept in {where.directory}; {_SAVE}", Tone.NOTE


def _save(desk: Desk, file: Path, words: list[str]) -> None:
    session = desk.session
    since_s, until_s = _BOUNDS
    for at, word in enumerate(words):
        moment_s = moment(word, session.wall())
        if moment_s is None:
            desk.say(f"{word} is no moment: {HOW}", Tone.WARN)
            return
        since_s, until_s = (moment_s, until_s) if at == 0 else (since_s, moment_s)
    playing, recorder = session.replaying, session.recorder
    if playing is not None:
        desk.later(lambda: _saved(lambda: playing.tape, file, since_s, until_s))
    elif recorder is not None:
        desk.later(lambda: _saved(lambda: load(recorder.where.directory), file, since_s, until_s))
    else:
        desk.say(_NOT, Tone.WARN)


def _saved(tape: Callable[[], Tape], file: Path, since_s: float, until_s: float) -> tuple[str, Tone]:
    try:
        done = export(tape(), file, since_s, until_s)
    except NotARecording as error:
        return f"not saved: {error}", Tone.WARN
    except OSError as error:
        return f"not saved: {file}: {error.strerror}", Tone.WARN
    span = f"{rfc3339(done.began_s)} to {rfc3339(done.ended_s)}"
    return f"saved {span}, {size(done.size)}: h2o-console --replay {file}", Tone.NOTE


REPLAY: Final = (
    Command("replay_back", "10 s back in a recording", _leap(-10.0), Group.REPLAY, ("comma",)),
    Command("replay_on", "10 s on", _leap(10.0), Group.REPLAY, ("full_stop",)),
    Command("replay_far_back", "5 min back", _leap(-300.0), Group.REPLAY, ("less_than_sign",)),
    Command("replay_far_on", "5 min on", _leap(300.0), Group.REPLAY, ("greater_than_sign",)),
    Command(
        "at",
        "go to a moment of a recording",
        _in_replay(_at),
        Group.REPLAY,
        names=("at",),
        takes="14:02",
        offers=lambda desk: _ends(desk.session),
    ),
    Command(
        "speed",
        "how fast a recording is played",
        _in_replay(_speed),
        Group.REPLAY,
        names=("speed",),
        takes="10",
        offers=lambda _: ("1", "10", "60"),
    ),
    Command(
        "record",
        "what is recorded; save it, or a part of it, into a file",
        _record,
        Group.REPLAY,
        names=("record",),
        takes="[save FILE [FROM [TO]]]",
        offers=lambda _: ("save ",),
    ),
)
