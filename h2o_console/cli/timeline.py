"""`h2o timeline`: what happened in a stretch of time, for a postmortem: changes, instances, errors, gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.completing import hosts, packages
from h2o_console.cli.options import fleet_options, reading
from h2o_console.cli.output import Format

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit

MARKDOWN: Final = "md"


@click.command("timeline")
@click.option("--since", default="1h", show_default=True, metavar="TIME", help="2h, 14:30 (UTC), 2026-01-31T14:30:00Z.")
@click.option("--until", default="", metavar="TIME", help="As --since.  [default: now]")
@click.option("--package", default="", metavar="NAME", help="About this package; a glob.", shell_complete=packages)
@click.option("--host", default="", metavar="NAME", help="About this host; a glob.", shell_complete=hosts)
@click.option(
    "-o",
    "--output",
    type=click.Choice([*(each.value for each in Format), MARKDOWN]),
    help="How to print it; md: a table to paste into a postmortem.  [default: table]",
)
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@click.option("--no-headers", is_flag=True, help="A table without its heads.")
@fleet_options
def command(since: str, until: str, **options: Any) -> Exit:
    """Show what happened, the oldest first: what was decided, instances that came and went, errors, gaps. In UTC.

    \b
    h2o timeline --since 14:00 --until 15:30 -o md > postmortem.md
    h2o timeline --since 2h --package service/customer

    Changes come from the journal, the rest from what the agents remember (an hour by ten seconds, seven days by
    minutes). Exit codes: 2 usage, 4 ZooKeeper out of reach, 5 hosts are missing (they are named).
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import past  # noqa: PLC0415 - kazoo, which `h2o timeline --help` needs not
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    markdown = options["output"] == MARKDOWN
    told = reading({**options, "output": None} if markdown else options)
    stretch = past.stretch(since, until)
    about = past.About(options["package"], options["host"])
    return show(lambda: past.page(told.context(), told.timeout_s, stretch, about, markdown=markdown), told)
