"""`h2o call <feature> ['{json}']`: calls a feature through a broker or an agent, with the types it registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.completing import features, hosts, ids
from h2o_console.cli.options import flags_of, fleet_options
from h2o_console.cli.output import Format

if TYPE_CHECKING:
    from h2o_console.cli.failures import Exit


@click.command("call")
@click.argument("feature", shell_complete=features)
@click.argument("request", metavar="[JSON]", required=False)
@click.option("--key", metavar="KEY", help="A sticky key: the same key, the same version.")
@click.option("--host", default="", metavar="HOST", help="Executed on this host or nowhere.", shell_complete=hosts)
@click.option("--version", default="", metavar="VERSION", help="By this version, also one without traffic.")
@click.option(
    "--instance",
    default="",
    metavar="ID",
    help="By this one: its id, or any unique beginning of it.",
    shell_complete=ids,
)
@click.option("-o", "--output", type=click.Choice(["json", "yaml"]), default="json", help="How to print the reply.")
@click.option("--json", "as_json", is_flag=True, help="The same as -o json.")
@click.option("-y", "--yes", is_flag=True, help="It may change data, and that is meant: do not ask.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the journal.")
@click.option("--no-journal", is_flag=True, help="Call it although nothing will be in the journal: ZooKeeper is away.")
@fleet_options
def command(feature: str, request: str | None, *, host: str, version: str, instance: str, **options: Any) -> Exit:
    """Call FEATURE (service/customer/retrieve) with a request in JSON; '-' reads it from standard input.

    Without JSON, print a filled example of the request and call nothing. The types are those that the package
    registered; no .proto is needed. --timeout is the call's deadline. It goes to the broker of this machine; where the
    context has none, to its agent, which wants the write token (h2o token --write).

    Outside a fleet for development, a feature that is not declared idempotent may change data: it is asked about, and
    an agent makes the call and writes into the journal who called what, never what it was called with.

    \b
    h2o call service/customer/retrieve                    an example to fill in
    h2o call service/customer/retrieve '{"id": 11}'
    h2o call service/customer/retrieve '{"id": 11}' --version 2.0.0 --host host-3
    echo '{"id": 11}' | h2o call service/customer/retrieve - -o yaml

    An error says whose fault it is, whether it was executed, whether to repeat it is safe, and what to type next.
    Exit codes: 1 the call failed, 2 the JSON does not fit, 3 no such feature, 4 no broker, agent or journal.
    """  # noqa: D301 - \b is click's mark for lines to keep
    from h2o_console.cli import calling  # noqa: PLC0415 - protobuf, which `h2o call --help` needs not
    from h2o_console.cli.called import Call  # noqa: PLC0415 - as calling
    from h2o_core.envelope import RouteWish  # noqa: PLC0415 - as calling
    from h2o_core.io.calling import Asked  # noqa: PLC0415 - as calling

    output = Format.JSON if options["as_json"] else Format(options["output"])
    asked = Asked(feature, RouteWish(host, version, instance), options.get("timeout"), options["key"])
    meant = (options["yes"], not options["no_journal"], options["reason"])
    return calling.run(Call(asked, request, output, flags_of(options), *meant))
