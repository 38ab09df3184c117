"""`h2o undo [change]`: what was there before a change is there again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import change_ids
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("undo")
@click.argument("change", required=False, default="", shell_complete=change_ids)
@click.option("--over", is_flag=True, help="Although something else was decided since: write over it.")
@changing_options
def command(change: str, *, over: bool, **options: Any) -> Exit:
    """Take a change back: your own last one that stands, or CHANGE, the beginning of an id or an epoch.

    What the change wrote has to be there still; otherwise it says the ways that there are. Guards count as always.

    \b
    h2o undo                    your own last change; again, the one before
    h2o undo 3f8a --reason "wrong package"

    Exit codes: 0 taken back, 2 something else was decided since, 3 no such change, 4 ZooKeeper out of reach, 5 not by
    all (they are named), 6 a guard refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import undoing  # noqa: PLC0415 - kazoo and threads, which `h2o undo --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    return undoing.run(change, reading(options), how_of(options), over=over)
