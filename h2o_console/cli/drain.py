"""`h2o drain <host>…`: nothing new for hosts, until each may be switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.completing import hosts as some_hosts
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("drain")
@click.argument("hosts", metavar="HOST...", nargs=-1, required=True, shell_complete=some_hosts)
@click.option(
    "--until", default="4h", show_default=True, metavar="TIME", help="4h, 14:30 (UTC), never; then it is back in use."
)
@click.option("--grace", default="5m", show_default=True, metavar="TIME", help="So long what runs there may take.")
@changing_options
def command(hosts: tuple[str, ...], until: str, grace: str, **options: Any) -> Exit:
    """Give HOSTs no new requests, and wait until they can be switched off.

    What waits there goes elsewhere, what runs may finish within the grace. It ends by itself only if the host is well
    then. Typed again it shows how far it is.

    \b
    h2o drain host-7 --reason "new disk"
    h2o drain host-7 host-8 --until 18:00 --grace 30s
    h2o undrain host-7

    Exit codes: 0 power-off harms nothing, 2 usage, 3 no such host, 4 ZooKeeper out of reach, 5 something remains (it is
    listed), 6 a guard refused, 7 somebody was quicker, 130 Ctrl-C: the drain goes on.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import draining  # noqa: PLC0415 - kazoo and threads, which `h2o drain --help` needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    return draining.drain(draining.Asked(hosts, until, grace), reading(options), how_of(options))
