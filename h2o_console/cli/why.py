"""`h2o why <feature>`: which version and which instance such a request gets, and why no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import features, hosts, packages
from h2o_console.cli.options import reading, reading_options

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("why")
@click.argument("feature", required=False, shell_complete=features)
@click.option("--key", default="", metavar="KEY", help="With this sticky key.")
@click.option(
    "--caller", default="", metavar="PACKAGE", help="Called by it.  [default: operator]", shell_complete=packages
)
@click.option("--header", "headers", multiple=True, metavar="NAME=VALUE", help="With this header; may be repeated.")
@click.option("--request", default="", metavar="ID", help="How that request was routed, when it was sampled.")
@click.option(
    "--host",
    default="",
    metavar="HOST",
    help="As this host's broker chooses.  [default: the asked agent's; for --request, all]",
    shell_complete=hosts,
)
@reading_options
def command(feature: str | None, **options: Any) -> Exit:
    """Say how a broker chooses for a request of FEATURE: rule, version, every instance with its load and chance.

    \b
    h2o why service/customer/retrieve                         by an operator of the asked host
    h2o why service/customer/retrieve --key 42                who has this key: its bucket, its version
    h2o why service/customer/retrieve --caller api/website --host host-2
    h2o why --request 5f2a                                    a real request, by its id or the beginning of it

    Nothing is sent and nothing changed. Each broker samples ten requests of packages a second and ten of operators, and
    remembers some minutes of them.
    Exit codes: 1 it would go nowhere (says why), 2 usage, 3 no such feature or request, 4 no agent, 5 partial.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import explaining  # noqa: PLC0415 - TAB and `h2o why --help` need none of it
    from h2o_console.cli.picture import Fleet  # noqa: PLC0415 - as above
    from h2o_console.cli.printing import show  # noqa: PLC0415 - as above

    if bool(feature) == bool(options["request"]):
        msg = "name a feature, or a request with --request"
        raise click.UsageError(msg)
    told = reading(options)
    fleet = Fleet(told.context(), told.timeout_s)
    request, host = options["request"], options["host"]
    if request:
        return show(lambda: explaining.of_request(fleet, request, host), told)
    asked = explaining.Asked(feature or "", options["key"], options["caller"], tuple(options["headers"]))
    return show(lambda: explaining.of_feature(fleet, asked, host), told)
