"""`h2o settings [NAME=VALUE …]`: shows the fleet's settings, or decides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.change_options import changing_options
from h2o_console.cli.options import reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("settings")
@click.argument("settings", metavar="[NAME=VALUE]...", nargs=-1)
@changing_options
def command(settings: tuple[str, ...], **options: Any) -> Exit:
    """Show the fleet's settings, or decide them; then wait until every broker applies them.

    \b
    new_versions=hold|share    what a version gets that nobody has decided about: nothing, or its part by load
    tiers=enforce|warn         what a call against the tier rules gets: FORBIDDEN, or it is let pass and counted

    \b
    h2o settings
    h2o settings tiers=warn --reason "until the billing service is split"

    Exit codes: 0 applied, 2 no such setting, 4 ZooKeeper out of reach, 5 not by all (they are named), 6 a guard
    refused, 7 somebody was quicker, 130 Ctrl-C: what was decided stands.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import fleet_settings  # noqa: PLC0415 - kazoo and threads, which --help needs not
    from h2o_console.cli.agreeing import how_of  # noqa: PLC0415 - as above

    return fleet_settings.run(settings, reading(options), how_of(options))
