"""`h2o describe <name|id|host>`: one page on a package, a feature, an instance or a host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import everything
from h2o_console.cli.options import reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("describe")
@click.argument("name", metavar="NAME|ID|HOST", shell_complete=everything)
@reading_options
def command(name: str, **options: Any) -> Exit:
    """Show all that is known of a package, a feature, an instance or a host, on one page.

    \b
    h2o describe service/customer             versions, features against their promises, instances, callers, exits
    h2o describe service/customer/retrieve    the same of one feature, with its types
    h2o describe 8cdb6dc6                     an instance, or a child that has not registered (by its launch)
    h2o describe host-2                       its links, processor, memory, disk, clock, what runs there

    Counts are since the brokers started, from all hosts that answer. Health checks, last errors, and how a process
    ended last, with the last lines it wrote, are on each page.
    Exit codes: 2 several things have that name, 3 nothing has, 4 no agent, 5 some hosts did not answer.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import describing  # noqa: PLC0415 - protobuf, which `h2o describe --help` needs not
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s)
    return show(lambda: describing.page(fleet, name), told)
