"""`h2o avoid <host>…`: hosts get only what nobody else can take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import hosts as some_hosts
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("avoid")
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True, shell_complete=some_hosts)
@click.option("--until", default="1h", show_default=True, metavar="TIME", help="1h, 14:30 (UTC), never; then it ends.")
@changing_options
def command(hosts: tuple[str, ...], until: str, **options: Any) -> Exit:
    """Give HOSTs only requests that nobody else can take, for as long as they are slow or odd.

    \b
    h2o avoid host-7 --reason "disk is slow" --until 30m
    h2o undrain host-7

    Exit codes: 0 applied, 2 usage, 3 no such host, 4 ZooKeeper out of reach, 5 not by all (they are named), 6 a guard
    refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import draining  # noqa: PLC0415 - kazoo and threads, which `h2o avoid --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    return draining.avoid(hosts, until, reading(options), how_of(options))
