"""`h2o triage`: what is wrong in the fleet, why, and the command that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.durations import DURATION
from h2o_console.cli.options import reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("triage")
@click.option(
    "--every",
    "every_s",
    type=DURATION,
    default="3s",
    show_default=True,
    metavar="TIME",
    help="How long callers and features are counted before the first answer.",
)
@reading_options
def command(every_s: float, **options: Any) -> Exit:
    """Show what is wrong and why, the most hurt first, each with a command to paste.

    \b
    h2o triage                    what is wrong now; the last minute against the quarter of an hour before
    h2o triage -o wide            with the evidence, and what each cause explains
    h2o triage -w -o json         an object a line every second, until Ctrl-C

    A cause has an action: a change (it shows its plan and asks before anything happens) or a closer look. What it
    explains is counted below it. Decisions (reviews, avoids) are read from ZooKeeper, when the context has one.
    Exit codes: 0 all is well, or only notes; 1 something is wrong; 4 no agent; 5 all is well as far as is known, but
    some hosts did not say.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import triage_page, triage_watch  # noqa: PLC0415 - protobuf, which `--help` needs not
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    watcher = triage_watch.Watcher(Fleet(told.context(), told.timeout_s), every_s)
    return show(lambda: triage_page.page(watcher.look(), remembering=told.watch), told)
