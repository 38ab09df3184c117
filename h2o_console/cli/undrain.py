"""`h2o undrain <host>…`: hosts are back in use, drained or avoided as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import hosts as some_hosts
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("undrain")
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True, shell_complete=some_hosts)
@changing_options
def command(hosts: tuple[str, ...], **options: Any) -> Exit:
    """Put HOSTs back in use: end their drains, and what `h2o avoid` began.

    \b
    h2o undrain host-7
    h2o undrain host-7 host-8 --reason "disks are changed"

    Exit codes: 0 applied, 2 they are in use already, 3 no such host, 4 ZooKeeper out of reach, 5 not by all (they are
    named), 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import draining  # noqa: PLC0415 - kazoo and threads, which `h2o undrain --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    return draining.undrain(hosts, reading(options), how_of(options))
