"""``h2o-console``: finds the fleet, looks at the terminal, and starts the screens."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from h2o_core.io.context import Context, NoContext, Overrides, agent_token, current_context

if TYPE_CHECKING:
    from h2o_console.feed.thread import FeedThread
    from h2o_console.recording.player import Player
    from h2o_console.tui.memory import Memory
    from h2o_console.tui.session import Session
    from h2o_console.tui.starting import Begun

LAST = "last"
"""What to replay, when it is what the console itself has kept of the fleet."""
_RECENT_S = 600.0
THEMES = ("dark", "light", "deuteranopia", "terminal", "mono", "ascii")
_USAGE = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--context", "name", default="", metavar="NAME", help="A context of the configuration file.")
@click.option("--agent", default="", metavar="ADDRESS", help="The agent to ask: unix:PATH or http://HOST:PORT.")
@click.option("--theme", type=click.Choice(THEMES), default=None, help="How it looks; NO_COLOR means mono.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Only ASCII: for terminals without blocks and dots.")
@click.option("--read-only", is_flag=True, help="Change nothing, not even when armed.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal (selecting, tmux).")
@click.option("--replay", default="", metavar="FILE", help="Play a recording; 'last': of this fleet's last hours.")
@click.option("--at", default="", metavar="TIME", help="Where to begin in it: 14:02 (UTC).")
def main(*, name: str, agent: str, **said: Any) -> None:
    """Watch a fleet: which package does how, why, and since when; and change it, once armed.

    Preferences are in console.toml beside the file with the contexts: theme, view, keys (docs/console.md).
    """
    _check_installed()
    # Textual would turn our colourless theme into greys; ours needs no filter.
    asked = Asked(colourless=bool(os.environ.pop("NO_COLOR", None)), **said)
    # Exported by some shells and wrappers. Textual would believe them, whatever size the terminal has and takes later.
    for exported in ("COLUMNS", "LINES"):
        os.environ.pop(exported, None)
    context = _context(name, agent) if asked.replay in {"", LAST} else Context()
    _check_terminal()
    while True:
        ended = _run(context, asked)
        if not ended.goes_to:
            sys.exit(ended.code)
        # Another fleet as it is now, in the colours of this one: nothing else is taken along.
        context, asked = _context(ended.goes_to, ""), replace(asked, theme=ended.theme, replay="", at="")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line and the environment say; they beat the file."""

    theme: str | None
    ascii_only: bool
    no_mouse: bool
    colourless: bool
    read_only: bool
    replay: str
    at: str


@dataclass(frozen=True, slots=True)
class Ended:
    """What the screens left with: a code, or the context to go on with; and how they looked."""

    code: int
    goes_to: str
    theme: str


def _run(context: Context, asked: Asked) -> Ended:
    """Read the person's files, and show the screens until they quit, or go to another fleet."""
    from h2o_console.store.fleet import Store  # noqa: PLC0415 - after the checks, which need none of it
    from h2o_console.tui import starting  # noqa: PLC0415
    from h2o_console.tui.app import H2OConsole  # noqa: PLC0415
    from h2o_console.tui.contexts import Contexts  # noqa: PLC0415
    from h2o_console.tui.session import Session  # noqa: PLC0415

    begun = starting.begin(context.fleet or context.name or context.agent)
    liked = begun.preferences
    theme = asked.theme or ("mono" if asked.colourless else liked.theme) or "dark"
    plain = asked.ascii_only or liked.ascii or theme == "ascii" or "utf" not in (sys.stdout.encoding or "").lower()
    session = Session(
        context.name or context.fleet,
        Store(),
        ascii_only=plain,
        keys=begun.keys,
        odd=begun.odd,
        contexts=Contexts(context.name),
    )
    feed = _replay(session, begun, asked) if asked.replay else _live(session, begun, context, asked)
    remember = begun.remember if session.replaying is None else _forget
    look = "terminal" if theme == "ascii" else theme
    app = H2OConsole(session, feed, look, liked.refresh_s, begun.memory, remember)
    try:
        app.run(mouse=liked.mouse and not asked.no_mouse)
    finally:
        if session.recorder is not None:
            session.recorder.stop()
    for one in app.frame.stands:
        click.echo(f"change {one.change_id} stands (epoch {one.epoch}), and is being applied", err=True)
        click.echo(f"look again: h2o journal {one.change_id[:8]}; undo: h2o undo {one.change_id[:8]}", err=True)
    worn = "ascii" if theme == "ascii" else app.theme.removeprefix("h2o-")
    return Ended(app.return_code or 0, session.goes_to, worn)


def _forget(_memory: Memory) -> str:
    """How a recording was looked at is of no interest later."""
    return ""


def _live(session: Session, begun: Begun, context: Context, asked: Asked) -> FeedThread:
    """Ask the fleet, keep what it answers, and change it where that is wanted."""
    from h2o_console.acting.arming import Changing  # noqa: PLC0415 - as above
    from h2o_console.commands.author import author_of  # noqa: PLC0415
    from h2o_console.feed.poller import Poller  # noqa: PLC0415
    from h2o_console.feed.thread import FeedThread  # noqa: PLC0415
    from h2o_console.recording.recorder import Recorder, Shelved  # noqa: PLC0415
    from h2o_console.tui.register_reading import ReadsRegister  # noqa: PLC0415

    author = author_of("h2o-console", "")
    session.register, session.me = ReadsRegister(context), author.actor
    if asked.read_only:
        session.unchanging = "started with --read-only: nothing can be changed from here"
    else:
        session.changing = Changing(context, author.actor, author.origin)
    recorder = None
    if begun.preferences.record:
        shelved = Shelved(begun.recordings, most_bytes=begun.preferences.record_mib << 20)
        recorder = session.recorder = Recorder(shelved, context.fleet, session.context)
        recorder.start()
    tap = None if recorder is None else recorder.hear
    return FeedThread(Poller(session.store, context.agent, token=_token(context), tap=tap))


def _replay(session: Session, begun: Begun, asked: Asked) -> Player:
    """Play what was kept."""
    from h2o_console.recording.player import Player  # noqa: PLC0415 - as above
    from h2o_console.tui.recordings import Unplayable, opened, place_in, show  # noqa: PLC0415

    try:
        tape = opened(asked.replay, begun.recordings if asked.replay == LAST else None)
        at_s = place_in(tape, asked.at)
    except Unplayable as error:
        raise SystemExit(_complaint(str(error))) from None
    if at_s is None and asked.replay == LAST:
        at_s = tape.ended_s - _RECENT_S
    player = Player(tape, session.store, at_s)
    show(player, session)
    return player


def _context(name: str, agent: str) -> Context:
    try:
        context = current_context(Overrides(context=name, agent=agent))
    except NoContext as error:
        raise SystemExit(_complaint(str(error))) from None
    if not context.agent:
        raise SystemExit(_complaint("no agent is known: name one with --agent, or start a fleet here: h2o dev"))
    return context


def _token(context: Context) -> str:
    try:
        return agent_token(context, "")
    except NoContext as error:
        raise SystemExit(_complaint(str(error))) from None


def _check_installed() -> None:
    if absent := [name for name in ("textual", "rich") if find_spec(name) is None]:
        raise SystemExit(_complaint(f"{', '.join(absent)} is not installed here: pip install 'h2o-console[console]'"))


def _check_terminal() -> None:
    # Textual draws on stderr, so that one has to be a terminal too.
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        raise SystemExit(_complaint("the console needs a terminal; for scripts and pipes: h2o list, h2o stats"))
    if os.environ.get("TERM", "dumb") in {"", "dumb"}:
        raise SystemExit(_complaint("TERM says that this terminal can't move its cursor; try: TERM=xterm h2o-console"))


def _complaint(sentence: str) -> int:
    click.echo(f"h2o-console: {sentence}", err=True)
    return _USAGE


if __name__ == "__main__":
    main()
