"""`h2o weight <package> [VERSION=PERCENT …]`: shows which versions get what, or decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import packages
from h2o_console.cli.options import fleet_options, reading
from h2o_console.cli.output import Format

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("weight")
@click.argument("package", shell_complete=packages)
@click.argument("weights", metavar="[VERSION=PERCENT]...", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the journal.")
@click.option("--review", metavar="TIME", help="Remind of it after so long (2h, 7d); weights never lapse.")
@click.option("--wait/--no-wait", default=True, help="Until every broker applies it.  [default: wait]")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("--force", is_flag=True, help="Although a version gets more than it can take.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option("-o", "--output", type=click.Choice([each.value for each in Format]), help="[default: table]")
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@fleet_options
def command(package: str, weights: tuple[str, ...], **options: Any) -> Exit:
    """Show which versions of PACKAGE get how much of its traffic, or decide it.

    One VERSION=PERCENT scales the others; or name all of them. Brokers apply it within a second. A request's sticky
    key keeps its version while shares only grow.

    \b
    h2o weight service/customer                          what is decided now
    h2o weight service/customer 2.1.0=10% --reason INC-7
    h2o weight service/customer 2.1.0=50% 2.0.0=50% --dry-run

    Exit codes: 2 what was typed can't be meant, 3 no such package or version, 4 ZooKeeper out of reach, 5 not applied
    by all (they are named), 6 more than a version can take, 7 somebody else changed it meanwhile.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import deciding  # noqa: PLC0415 - kazoo and threads, which `h2o weight --help` needs not

    told = reading(options)
    asked = deciding.Asked(
        weights=weights,
        reason=options["reason"],
        review=options["review"],
        wait=options["wait"],
        dry_run=options["dry_run"],
        force=options["force"],
        yes=options["yes"],
    )
    return deciding.weight(package, asked, told)
