"""`h2o token`: what agents on other machines are shown; and the same for the commands that ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.options import output_options, reading
from h2o_core.io.context import NoContext, agent_token

if TYPE_CHECKING:
    from h2o_core.context import Context


def token_for(context: Context, address: str) -> str:
    """What the agent at *address* is shown, "" when nothing is needed or known; raises CommandFailed."""
    try:
        return agent_token(context, address)
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None


@click.command("token")
@output_options
def command(**options: Any) -> Exit:
    """Print the token with which agents on other machines are read: for curl, Prometheus, scripts.

    \b
    curl -H "Authorization: Bearer $(h2o token)" http://HOST:PORT/health
    """  # noqa: D301 - \b is click's mark for lines to keep
    context = reading(options).context()
    found = token_for(context, "")
    if not found:
        msg = "the context has neither the fleet's secret nor a token"
        hint = 'put fleet = "…" and secret_file = "…", or token_file = "…", into it: h2o context show'
        raise CommandFailed(Exit.USAGE, msg, hint)
    click.echo(found)
    return Exit.OK
