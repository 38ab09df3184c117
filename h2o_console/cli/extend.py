"""`h2o extend <host|package>`: another end of a drain or an avoid, another time of review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import everything
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("extend")
@click.argument("names", metavar="HOST...|PACKAGE", nargs=-1, required=True, shell_complete=everything)
@click.option("--until", default="", metavar="TIME", help="Until then: 4h from now, 14:30 (UTC), never.")
@click.option("--by", default="", metavar="TIME", help="So much longer than it was to be: 1h.")
@changing_options
def command(names: tuple[str, ...], until: str, by: str, **options: Any) -> Exit:
    """Move the end of HOSTs' drains and avoids, or the time at which PACKAGE's weights are to be looked at again.

    \b
    h2o extend host-7 --by 1h
    h2o extend service/customer --until 7d

    Exit codes: 0 applied, 2 there is nothing to extend, 3 no such name, 4 ZooKeeper out of reach, 5 not by all (they
    are named), 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import draining  # noqa: PLC0415 - kazoo and threads, which `h2o extend --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    if bool(until) == bool(by):
        msg = "say until when, --until 4h, or how much longer, --by 1h"
        raise click.UsageError(msg)
    return draining.extend(names, until, by, reading(options), how_of(options))
