"""`h2o token`: what agents on other machines are shown; and the same for the commands that ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.options import output_options, reading
from h2o_core.io.context import NoContext, agent_token

if TYPE_CHECKING:
    from h2o_core.context import Context


def token_for(context: Context, address: str, *, write: bool = False) -> str:
    """What the agent at *address* is shown, "" when nothing is needed or known; raises CommandFailed."""
    try:
        return agent_token(context, address, write=write)
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None


@click.command("token")
@click.option("--write", is_flag=True, help="The one with which an agent may be told to do something.")
@output_options
def command(*, write: bool, **options: Any) -> Exit:
    """Print the token with which agents on other machines are read: for curl, Prometheus, scripts.

    With --write, the one with which they do something for you: it opens what changes data, so give it to people, not
    to programs that only look.

    \b
    curl -H "Authorization: Bearer $(h2o token)" http://HOST:PORT/health
    """  # noqa: D301 - \b is click's mark for lines to keep
    context = reading(options).context()
    found = token_for(context, "", write=write)
    if not found:
        key = "write_token_file" if write else "token_file"
        msg = f"the context has neither the fleet's secret nor a {'write ' if write else ''}token"
        hint = f'put fleet = "…" and secret_file = "…", or {key} = "…", into it: h2o context show'
        raise CommandFailed(Exit.USAGE, msg, hint)
    click.echo(found)
    return Exit.OK
