"""`h2o stats [id|name]…`: what instances counted, one by one or added up over the fleet, read from their agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from h2o_console.cli.completing import measured
from h2o_console.cli.durations import DURATION
from h2o_console.cli.options import choosing_options, reading

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit

BY: Final = ("instance", "feature", "version", "package", "host")


@click.command("stats")
@click.argument("names", metavar="[ID|NAME]...", nargs=-1, shell_complete=measured)
@click.option(
    "--by",
    type=click.Choice(BY),
    help="Add the counters up.  [default: instance; without a name: package]",
)
@click.option(
    "--window",
    "window_s",
    type=DURATION,
    metavar="TIME",
    help="Read twice, this long apart (10s, 1m), and show what happened between; with requests per second.",
)
@choosing_options
def command(names: tuple[str, ...], by: str | None, window_s: float | None, **options: Any) -> Exit:
    """Show what instances did: requests, errors, times, since their brokers started or within a --window.

    ID is an instance's id or any unique beginning of it; NAME a package, a feature or a glob.

    \b
    h2o stats service/customer                    each feature of each instance
    h2o stats --by version service/customer       1.4.2 beside 2.0.0
    h2o stats --by host --window 10s              which host is slow now

    Counted at the destination. Quantiles over many instances come from their sketches added up, not from means
    of quantiles; they are wrong by 1.1 % at the most. JSON follows the field names of NATS' micro services
    (num_requests, num_errors, processing_time in ns, …).
    Exit codes: 3 no match, 4 no agent, 5 some hosts did not answer (named on standard error).
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import counting, statistics  # noqa: PLC0415 - protobuf, which `h2o stats --help` needs not
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s, told.labels)
    grouping = counting.By(by or ("instance" if names else "package"))
    sampler = statistics.Sampler(fleet, names, window_s)
    return show(lambda: statistics.page(sampler.read(), grouping, told), told)
