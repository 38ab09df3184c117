"""`h2o experiment start|status|stop`: two versions of a package beside each other, and what that tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import packages
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
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    context = told.context()
    return show(lambda: experimenting.status_page(context, told.timeout_s, package or ""), told)
