"""What `h2o call` does: finds the feature's types, turns JSON into a request, asks where it must, and calls.

By the broker of this machine when there is one; else by an agent, and in any case by an agent when the call is to be in
the journal.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from h2o_console.cli import calling_by_agent
from h2o_console.cli.calling_page import confirm, print_failure, print_reply, sentence, show_example
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.options import DEFAULT_TIMEOUT_S
from h2o_console.cli.remarks import tell
from h2o_core.context import BROKER_SOCKET, Context, NoContext, check_socket_path
from h2o_core.errors import Code, H2OError
from h2o_core.io import calling
from h2o_core.io.client import Client
from h2o_core.io.context import current_context, runtime_dir
from h2o_core.names import shown
from h2o_core.schema import DoesNotFit, HasNoForm, example, parse_request
from h2o_core.whereabouts import Ambiguous, NotThere, place

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from h2o_console.cli.called import Call
    from h2o_core.io.calling import Found


def run(call: Call) -> Exit:
    """Call, print the reply or the error, return the exit code; raises CommandFailed."""
    try:
        context = current_context(call.flags)
        if not context.run_dir and context.agent:
            text = sys.stdin.read() if call.request == "-" else call.request
            return calling_by_agent.run(call, context, text)
        run_dir = context.run_dir or str(runtime_dir(fleet=context.fleet))
        return _by_broker(call, context, "unix:" + check_socket_path(f"{run_dir}/{BROKER_SOCKET}"))
    except NoContext as error:
        raise CommandFailed(Exit.USAGE, str(error)) from None
    except NotThere as error:
        raise CommandFailed(Exit.NO_MATCH, str(error), error.hint) from None
    except (Ambiguous, DoesNotFit) as error:
        raise CommandFailed(Exit.USAGE, str(error), error.hint) from None
    except HasNoForm as error:
        raise CommandFailed(Exit.FAILED, str(error), error.hint) from None
    except H2OError as error:
        code = Exit.UNREACHABLE if error.code is Code.UNAVAILABLE else Exit.FAILED
        raise CommandFailed(code, sentence(error), error.hint) from None


def _by_broker(call: Call, context: Context, endpoint: str) -> Exit:
    done = asyncio.run(_at_once(call, context, endpoint))
    if isinstance(done, Exit):
        return done
    found, text = done
    confirm(shown(found.feature.name), found.fleet, place(call.asked.where), text, yes=call.yes)
    if call.journal:
        ready = calling_by_agent.Ready(text, found.feature.request_type, found.timeout_s)
        return calling_by_agent.post(call, context, ready, found.fleet)
    tell("it is not journalled, as you said: --no-journal")
    return asyncio.run(_after_all(call, endpoint, found, text))


async def _at_once(call: Call, context: Context, endpoint: str) -> Exit | tuple[Found, str]:
    """Done; or what is to be asked about first, with the request in JSON."""
    async with _client(call, endpoint) as client:
        _check_fleet(client, context)
        found = await calling.find(client, call.asked)
        if call.request is None:
            return show_example(shown(found.feature.name), example(found.types))
        text = sys.stdin.read() if call.request == "-" else call.request
        request = parse_request(found.types, text, shown(found.feature.name))
        return (found, text) if found.is_journalled else await _made(client, call, found, request)


async def _after_all(call: Call, endpoint: str, found: Found, text: str) -> Exit:
    """With a client of its own: nobody knows how long they thought about it."""
    async with _client(call, endpoint) as client:
        request = parse_request(found.types, text, shown(found.feature.name))
        return await _made(client, call, found, request)


async def _made(client: Client, call: Call, found: Found, request: Message) -> Exit:
    try:
        print_reply(await calling.call(client, call.asked, found, request), call.output)
    except H2OError as error:
        return print_failure(error, idempotent=found.idempotent)
    return Exit.OK


def _client(call: Call, endpoint: str) -> Client:
    return Client(endpoint, program="h2o call", connect_timeout_s=call.asked.timeout_s or DEFAULT_TIMEOUT_S)


def _check_fleet(client: Client, context: Context) -> None:
    there = client.welcome.fleet if client.welcome else ""
    if context.fleet and there and context.fleet != there:
        msg = f"the broker of this machine belongs to fleet {there}, not to {context.fleet}"
        hint = f"call that one: --fleet {there}, or set H2O_BROKER to a runtime directory of {context.fleet}"
        raise CommandFailed(Exit.USAGE, msg, hint)
