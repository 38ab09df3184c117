"""`h2o weight <package> [VERSION=PERCENT …]`: shows which versions get what, or decides it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import packages, versions, weights as some_weights
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("weight")
@click.argument("package", shell_complete=packages)
@click.argument("weights", metavar="[VERSION=PERCENT]...", nargs=-1, shell_complete=some_weights)
@click.option(
    "--stable",
    default="",
    metavar="VERSION",
    help="The fallback: takes what was to go to a version without an instance.",
    shell_complete=versions,
)
@click.option("--review", default="", metavar="TIME", help="Remind of it then: 2h, 7d; weights never lapse.")
@changing_options
def command(package: str, weights: tuple[str, ...], stable: str, review: str, **options: Any) -> Exit:
    """Show which versions of PACKAGE get how much of its traffic, or decide it.

    One VERSION=PERCENT scales the others; or name all of them. Brokers apply it within a second. A request's sticky
    key keeps its version while shares only grow.

    \b
    h2o weight service/customer                          what is decided now
    h2o weight service/customer 2.1.0=10% --reason INC-7
    h2o weight service/customer 2.1.0=50% 2.0.0=50% --dry-run
    h2o weight service/customer --stable 2.1.0           the weights stay

    Exit codes: 0 applied, 2 what was typed can't be meant, 3 no such package or version, 4 ZooKeeper out of reach, 5
    not by all (they are named), 6 a guard refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import weighing  # noqa: PLC0415 - kazoo and threads, which `h2o weight --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    asked = weighing.Asked(package, weights, stable, review)
    return weighing.run(asked, reading(options), how_of(options))
