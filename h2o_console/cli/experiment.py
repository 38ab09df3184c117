"""`h2o experiment start|status|stop`: two versions of a package beside each other, and what that tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import packages, versions, weights as some_weights
from h2o_console.cli.options import reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.group("experiment")
def command() -> None:
    """Compare versions of a package: errors, application errors, durations; customers keep their version.

    \b
    h2o experiment start service/customer 2.1.0=10% --reason INC-7
    h2o experiment status service/customer -w
    h2o experiment stop service/customer --promote
    """  # noqa: D301 - \b is click's mark for lines to keep


@command.command("start")
@click.argument("package", shell_complete=packages)
@click.argument("weights", metavar="VERSION=PERCENT...", nargs=-1, required=True, shell_complete=some_weights)
@click.option("--name", default="", metavar="WORD", help="What it is called.  [default: the new versions]")
@click.option("--review", default="7d", show_default=True, metavar="TIME", help="Remind of it then: 2h, 7d, never.")
@click.option(
    "--min-effect",
    default="1%",
    show_default=True,
    metavar="POINTS",
    help="The smallest difference of errors that matters: how many requests are needed.",
)
@changing_options
def start(package: str, weights: tuple[str, ...], name: str, review: str, min_effect: str, **options: Any) -> Exit:
    """Give new versions of PACKAGE a part of its traffic, and compare each with the stable one.

    One VERSION=PERCENT scales the others; of several the stable version takes the rest. Customers (sticky keys) keep
    their version while the experiment runs; a new one draws them anew.

    \b
    h2o experiment start service/customer 2.1.0=10% --reason INC-7
    h2o experiment start service/customer 2.1.0=10% 2.2.0=10% --name prices --min-effect 0.5%

    Exit codes: 0 applied, 2 what was typed can't be meant, 3 no such package or version, 4 ZooKeeper out of reach, 5
    not by all (they are named), 6 a guard refused (another experiment runs), 7 somebody was quicker, 130 Ctrl-C.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import experimenting  # noqa: PLC0415 - kazoo, which `h2o experiment --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    asked = experimenting.Asked(package, weights, name, review, min_effect)
    return experimenting.start(asked, reading(options), how_of(options))


@command.command("status")
@click.argument("package", required=False, shell_complete=packages)
@reading_options
def status(package: str | None, **options: Any) -> Exit:
    """Show how PACKAGE's versions compare, or list all experiments.

    Each new version stands against the stable one: errors, declared application errors, durations, with intervals that
    hold however often you look. A verdict says worse, better, no difference, how many requests are still needed, or
    that the samples are not alike (invalid).

    \b
    h2o experiment status
    h2o experiment status service/customer -w
    h2o experiment status service/customer -o json

    Exit codes: 1 a version is worse or nothing can be said (invalid), 3 no such experiment, 4 ZooKeeper out of reach,
    5 hosts are missing (they are named).
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import experimenting  # noqa: PLC0415 - kazoo, which `h2o experiment --help` needs not

    return experimenting.status(package or "", reading(options))


@command.command("stop")
@click.argument("package", shell_complete=packages)
@click.option("--promote", "outcome", flag_value="promote", help="All traffic to the new version, stable from then on.")
@click.option("--revert", "outcome", flag_value="revert", help="All traffic back to the stable version.")
@click.option("--keep", "outcome", flag_value="keep", help="The weights stay, and every customer where they are.")
@click.option("--version", default="", metavar="VERSION", help="Who is promoted, of several.", shell_complete=versions)
@changing_options
def stop(package: str, outcome: str | None, version: str, **options: Any) -> Exit:
    """End PACKAGE's experiment: promote the new version, revert to the stable one, or keep the weights.

    \b
    h2o experiment stop service/customer --promote
    h2o experiment stop service/customer --revert --reason 'errors up, INC-7'

    Exit codes: 0 applied, 2 it is not clear which version, 3 no experiment runs, 4 ZooKeeper out of reach, 5 not by all
    (they are named), 6 a guard refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import experimenting  # noqa: PLC0415 - kazoo, which `h2o experiment --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    if outcome is None:
        msg = "say what becomes of the weights: --promote, --revert or --keep"
        raise click.UsageError(msg)
    if version and outcome != "promote":
        msg = "--version goes with --promote"
        raise click.UsageError(msg)
    return experimenting.stop(package, outcome, version, reading(options), how_of(options))
