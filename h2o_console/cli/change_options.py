"""The options of commands that decide something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from h2o_console.cli.completing import hosts
from h2o_console.cli.options import fleet_options
from h2o_console.cli.output import Format

if TYPE_CHECKING:
    from collections.abc import Callable

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")

_OPTIONS: Final = (
    click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the journal."),
    click.option("--dry-run", is_flag=True, help="Show the plan, and change nothing."),
    click.option("-y", "--yes", is_flag=True, help="Don't ask."),
    click.option("--force", is_flag=True, help="Although a guard refuses; takes the name as well."),
    click.option("--confirm", default="", metavar="NAME", help="The name that would have to be typed, for scripts."),
    click.option("--wait/--no-wait", default=True, help="Until every broker applies it.  [default: wait]"),
    click.option(
        "--acknowledge",
        multiple=True,
        metavar="HOST",
        help="Don't count this one, which is off for certain; may be repeated.",
        shell_complete=hosts,
    ),
    click.option("-o", "--output", type=click.Choice([each.value for each in Format]), help="[default: table]"),
    click.option("--json", "as_json", is_flag=True, help="The same as -o json."),
    click.option("--no-headers", is_flag=True, help="A table without its heads."),
)
CODES: Final = """
    Exit codes: 0 applied, 2 what was typed can't be meant, 3 no such name, 4 ZooKeeper out of reach, 5 not by all (they
    are named), 6 a guard refused, 7 somebody else was quicker, 130 Ctrl-C: what was decided stands.
"""


def changing_options(command: Decorated) -> Decorated:
    """Adds how to agree to a plan, to wait and to print, and `fleet_options`; their values make a `How`."""
    command = fleet_options(command)
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
