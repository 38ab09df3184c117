"""`h2o settings [NAME=VALUE …]`: shows the fleet's settings, or decides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.options import fleet_options, reading
from h2o_console.cli.output import Format

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("settings")
@click.argument("settings", metavar="[NAME=VALUE]...", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the journal.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Don't ask.")
@click.option("-o", "--output", type=click.Choice([each.value for each in Format]), help="[default: table]")
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@fleet_options
def command(settings: tuple[str, ...], *, reason: str, dry_run: bool, yes: bool, **options: Any) -> Exit:
    """Show the fleet's settings, or decide them; then wait until every broker applies them.

    \b
    new_versions=hold|share    what a version gets that nobody has decided about: nothing, or its part by load
    tiers=enforce|warn         what a call against the tier rules gets: FORBIDDEN, or it is let pass and counted

    \b
    h2o settings
    h2o settings tiers=warn --reason "until the billing service is split"

    Exit codes: 2 no such setting, 4 ZooKeeper out of reach, 5 not applied by all, 7 somebody else changed it meanwhile.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import fleet_settings  # noqa: PLC0415 - kazoo and threads, which --help needs not

    return fleet_settings.run(settings, reason, reading(options), dry_run=dry_run, yes=yes)
