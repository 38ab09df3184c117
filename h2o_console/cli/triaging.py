"""What `h2o triage` does: looks, once or again and again, remembers ids, tells whoever wants to know, shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.picture import Fleet
from h2o_console.cli.printing import show
from h2o_console.cli.triage_found import remember
from h2o_console.cli.triage_page import page
from h2o_console.cli.triage_telling import Telling
from h2o_console.cli.triage_watch import Watcher

if TYPE_CHECKING:
    from h2o_console.cli.options import Reading
    from h2o_console.cli.printing import Page
    from h2o_console.cli.triage_telling import Wish
    from h2o_core.insights.finding import Key


def run(every_s: float, wish: Wish, told: Reading) -> Exit:
    """Until interrupted, with --watch; raises CommandFailed."""
    if wish.anybody and not told.watch:
        msg = "--on-change and --webhook tell of what changes, and so need --watch"
        raise CommandFailed(Exit.USAGE, msg, "h2o triage --watch --webhook URL")
    context = told.context()
    watcher = Watcher(Fleet(context, told.timeout_s), every_s)
    telling = Telling(wish, context)
    shown: set[Key] = set()

    def look() -> Page:
        nonlocal shown
        try:
            seen = watcher.look()
        except CommandFailed as failure:
            telling.blind(failure.message)
            raise
        telling.see(seen)
        keys = [each.key for one in seen.news.groups for each in (one.cause, *one.symptoms)]
        if set(keys) != shown:
            shown = set(keys)
            remember(context, [*keys, *(one.key for one in seen.notes)])
        return page(seen, remembering=told.watch)

    try:
        return show(look, told)
    finally:
        telling.stop()
