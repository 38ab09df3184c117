"""`h2o journal`: what was decided, by whom, why, and what was taken back; the newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import change_ids, hosts, packages
from h2o_console.cli.options import reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("journal")
@click.argument("change", required=False, default="", shell_complete=change_ids)
@click.option("--package", default="", metavar="NAME", help="About this package; a glob.", shell_complete=packages)
@click.option("--host", default="", metavar="NAME", help="About this host; a glob.", shell_complete=hosts)
@click.option("--actor", default="", metavar="NAME", help="Decided by them; a glob: 'ada@*'.")
@click.option("--since", default="", metavar="TIME", help="Not before: 2h, 14:30 (UTC), 2026-01-31T14:30:00Z.")
@click.option("-n", "--lines", "most", type=click.IntRange(1, 10_000), default=20, show_default=True, help="So many.")
@reading_options
def command(change: str, **options: Any) -> Exit:
    """Show control changes: when, which, by whom, what, why, and which change took them back. Times are UTC.

    CHANGE is the beginning of a change's id, or its epoch; then that one alone is shown, with all of it.

    \b
    h2o journal                             the last 20
    h2o journal --package service/customer --since 2h
    h2o journal -w                          as they come
    h2o journal 3f8a91c2                    one change: guards, documents before and after

    Who decided is "claimed" by their own program, or "verified" by an agent.
    Exit codes: 3 no such change, 4 ZooKeeper out of reach.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import recorded  # noqa: PLC0415 - kazoo, which `h2o journal --help` needs not
    from h2o_console.cli.moments import ago  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above
    from h2o_console.commands.journal import Wanted  # noqa: PLC0415 - as above
    from h2o_core.io.clock import unix_s  # noqa: PLC0415 - as above

    told = reading(options)
    since_s = ago("--since", options["since"], unix_s()) if options["since"] else 0.0
    wanted = Wanted(options["package"], options["host"], options["actor"], since_s, change=change)
    context = told.context()
    return show(lambda: recorded.page(context, told.timeout_s, wanted, options["most"]), told)
