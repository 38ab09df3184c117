"""`h2o hosts [name]`: every host, as the asked host's broker is linked to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import hosts
from h2o_console.cli.options import choosing_options, reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("hosts")
@click.argument("name", required=False, shell_complete=hosts)
@choosing_options
def command(name: str | None, **options: Any) -> Exit:
    """List the fleet's hosts, or those that NAME (a glob) means.

    LINK is the asked host's broker's own view: self, up, connecting, suspect, leaving, or refused (the keys
    don't fit). What is wrong with the register is said on standard error.

    \b
    h2o hosts
    h2o hosts -o wide -l disk=ssd         with addresses and labels, those with an SSD

    Exit codes: 3 no match, 4 neither agent nor ZooKeeper answers.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import host_list  # noqa: PLC0415 - TAB and `h2o hosts --help` need none of it
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    return show(lambda: host_list.page(fleet.hosts(), name), told)
