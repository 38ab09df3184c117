"""``h2o-console``: finds the fleet, looks at the terminal, and starts the screens."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec

import click

from h2o_core.io.context import Context, NoContext, Overrides, agent_token, current_context

THEMES = ("dark", "light", "deuteranopia", "terminal", "mono", "ascii")
_USAGE = 2


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--context", "name", default="", metavar="NAME", help="A context of the configuration file.")
@click.option("--agent", default="", metavar="ADDRESS", help="The agent to ask: unix:PATH or http://HOST:PORT.")
@click.option("--theme", type=click.Choice(THEMES), default=None, help="How it looks; NO_COLOR means mono.")
@click.option("--ascii", "ascii_only", is_flag=True, help="Only ASCII: for terminals without blocks and dots.")
@click.option("--no-mouse", is_flag=True, help="Leave the mouse to the terminal (selecting, tmux).")
def main(*, name: str, agent: str, theme: str | None, ascii_only: bool, no_mouse: bool) -> None:
    """Watch a fleet: which package does how, why, and since when. Read-only."""
    _check_installed()
    context = _context(name, agent)
    _check_terminal()
    plain = ascii_only or theme == "ascii" or "utf" not in (sys.stdout.encoding or "").lower()
    chosen = _theme(theme)
    # Textual would turn our colourless theme into greys; ours needs no filter.
    os.environ.pop("NO_COLOR", None)
    from h2o_console.feed.poller import Poller  # noqa: PLC0415 - after the checks, which need none of it
    from h2o_console.feed.thread import FeedThread  # noqa: PLC0415
    from h2o_console.store.fleet import Store  # noqa: PLC0415
    from h2o_console.tui.app import H2OConsole  # noqa: PLC0415
    from h2o_console.tui.session import Session  # noqa: PLC0415

    store = Store()
    app = H2OConsole(
        Session(context.name or context.fleet, store, ascii_only=plain),
        FeedThread(Poller(store, context.agent, token=_token(context))),
        chosen,
    )
    app.run(mouse=not no_mouse)
    sys.exit(app.return_code or 0)


def _theme(theme: str | None) -> str:
    if theme == "ascii":
        return "terminal"
    return theme or ("mono" if os.environ.get("NO_COLOR") else "dark")


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
