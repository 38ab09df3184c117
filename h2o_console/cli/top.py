"""`h2o top [packages|instances|hosts]`: who is busy, slow or failing now, live in a terminal, once elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.durations import DURATION
from h2o_console.cli.options import choosing_options, reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit

OF: Final = ("packages", "instances", "hosts")
SORTS: Final = ("rate", "errors", "p95", "cpu", "memory", "name")


@click.command("top")
@click.argument("of", type=click.Choice(OF), default="packages", metavar="[packages|instances|hosts]")
@click.option("--sort", type=click.Choice(SORTS), default="rate", show_default=True, help="What stands at the top.")
@click.option(
    "-n", "most", type=click.IntRange(min=1), metavar="N", help="Only so many.  [default: what fits; all, when piped]"
)
@click.option(
    "--every",
    "every_s",
    type=DURATION,
    default="2s",
    show_default=True,
    metavar="TIME",
    help="The time that rates and quantiles are of, and between two looks.",
)
@choosing_options
def command(of: str, sort: str, most: int | None, every_s: float, **options: Any) -> Exit:
    """Show who is busy, slow or failing now: requests per second, errors, p50 and p95 of the last moments.

    \b
    h2o top                               packages; q leaves, p i h shows packages, instances, hosts, s sorts otherwise
    h2o top hosts --sort cpu
    h2o top instances -n 5 --json         one look after 2 s, then it ends
    h2o top --json -w                     one object a line, until Ctrl-C

    Counted at the destination, from all hosts that answer; processor and memory are what agents measure.
    Piped or with -o json it looks once. Exit codes: 0, 4 no agent, 5 some hosts did not answer.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import watching  # noqa: PLC0415 - protobuf, which `h2o top --help` needs not

    told = reading(options)
    wish = watching.Wish(of=of, sort=sort, most=most, every_s=every_s)
    return watching.run(wish, told)
