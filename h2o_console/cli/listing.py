"""`h2o list [name]`: every instance of the fleet, or of one package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import packages
from h2o_console.cli.options import choosing_options, reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("list")
@click.argument("name", required=False, shell_complete=packages)
@choosing_options
def command(name: str | None, **options: Any) -> Exit:
    """List the fleet's instances, or those of NAME.

    NAME is a package (service/customer, service.customer), a glob ('service/*'), a feature, or the
    beginning of an instance's id.

    \b
    h2o list service/customer
    h2o list -l zone=b -o wide            in one zone, with everything that is known
    h2o list -o name 'service/*'          ids alone, for scripts

    Exit codes: 3 no match, 4 neither agent nor ZooKeeper answers.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import instance_list  # noqa: PLC0415 - TAB and `h2o list --help` need none of it
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    return show(lambda: instance_list.page(fleet.instances(), name, told, fleet.say), told)
