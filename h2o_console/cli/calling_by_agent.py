"""`h2o call` by an agent: from a machine that is none of the fleet's, and for calls that are to be in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from h2o_console.asking.agent import AgentRefused, AgentUnreachable, Reply, fetch, post as post_to
from h2o_console.cli.calling_page import confirm, print_failure, print_reply, show_example
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.options import DEFAULT_TIMEOUT_S
from h2o_console.cli.remarks import tell
from h2o_console.cli.token import token_for
from h2o_console.commands.author import author_of
from h2o_console.feed.answers import number, text as text_of
from h2o_core.errors import ApplicationError, Code, Executed, H2OError
from h2o_core.names import from_operator, shown
from h2o_core.schema import loaded
from h2o_core.whereabouts import place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_console.cli.called import Call
    from h2o_core.context import Context

_MARGIN_S: Final = 20.0
"""For the agent to write the journal, before and after the call."""
_NO_PATH: Final = "there is no such path"
_EXITS: Final = {400: Exit.USAGE, 404: Exit.NO_MATCH, 413: Exit.USAGE, 415: Exit.USAGE, 502: Exit.FAILED}


@dataclass(frozen=True, slots=True)
class Ready:
    """What an agent is to call: the request in JSON, its type, and how long the call may take."""

    request: str
    request_type: str
    timeout_s: float


def run(call: Call, context: Context, text: str | None) -> Exit:
    """As `calling.run`, with the request's *text* (None: print an example); raises CommandFailed."""
    where = call.asked.where
    query = {"feature": call.asked.feature, "host": where.host, "version": where.version, "instance": where.instance}
    path = f"/call?{urlencode({name: value for name, value in query.items() if value})}"
    known = _answered(context, lambda: fetch(context.agent, path, _patience_s(call), token_for(context, context.agent)))
    fleet = text_of(known, "fleet")
    if context.fleet and context.fleet != fleet:
        msg = f"the agent {context.agent} belongs to fleet {fleet}, not to {context.fleet}"
        raise CommandFailed(Exit.USAGE, msg, f"call that one: --fleet {fleet}, or name another agent: --agent")
    feature = text_of(known, "feature")
    if text is None:
        return show_example(feature, known.get("example"))
    ready = Ready(text, text_of(known, "request_type"), _timeout_s(call, known))
    loaded(text, ready.request_type, feature)
    if known.get("journalled") is not False:
        confirm(feature, fleet, place(where), text, yes=call.yes)
    return post(call, context, ready, fleet)


def post(call: Call, context: Context, ready: Ready, fleet: str) -> Exit:
    """Have the context's agent, which is to be of *fleet*, make the call, and print what came of it.

    Raises CommandFailed.
    """
    asked, where = call.asked, call.asked.where
    author = author_of("h2o call", call.reason)
    document: dict[str, Any] = {
        "fleet": fleet,
        "feature": asked.feature,
        "request": loaded(ready.request, ready.request_type, shown(from_operator(asked.feature))),
        "timeout_ms": max(1, round(ready.timeout_s * 1000)),
        "key": asked.key or "",
        "host": where.host,
        "version": where.version,
        "instance": where.instance,
        "actor": author.actor,
        "origin": author.origin,
        "reason": author.reason,
        "journal": call.journal,
    }
    token = token_for(context, context.agent, write=True)
    within_s = ready.timeout_s + _MARGIN_S
    made = _answered(context, lambda: post_to(context.agent, "/call", document, within_s, token), made=True)
    if why := text_of(made, "not_journalled"):
        tell(f"how it ended is not in the journal: {why}")
    if text_of(made, "code") == Code.OK.name:
        print_reply(made.get("reply"), call.output)
        return Exit.OK
    return print_failure(_failure(made), idempotent=made.get("idempotent") is True)


def _patience_s(call: Call) -> float:
    return call.asked.timeout_s or DEFAULT_TIMEOUT_S


def _timeout_s(call: Call, known: Mapping[str, Any]) -> float:
    return call.asked.timeout_s or (number(known, "timeout_ms") or 1000.0) / 1000


def _answered(context: Context, ask: Any, *, made: bool = False) -> Mapping[str, Any]:
    """What the agent answers; *made*: an answer that says how a call ended is one whatever its status."""
    try:
        reply: Reply = ask()
    except AgentUnreachable as error:
        hint = "is it up? h2o doctor"
        if made and error.sent:
            hint = "it may have been called all the same: look before you repeat it, h2o journal"
        elif made:
            hint = "nothing was called; start the agent, or call without a journal: --no-journal"
        raise CommandFailed(Exit.UNREACHABLE, str(error), hint) from None
    except AgentRefused as error:
        raise CommandFailed(Exit.UNREACHABLE, error.error, error.hint) from None
    if reply.status == 200 or (made and "request_id" in reply.document):
        return reply.document
    error, hint = text_of(reply.document, "error"), text_of(reply.document, "hint")
    if reply.status == 405 or error == _NO_PATH:
        msg = f"the agent {context.agent} is older than this program, and makes no calls"
        raise CommandFailed(Exit.UNREACHABLE, msg, "upgrade it, or call from a machine of the fleet")
    if reply.status in {401, 403}:
        hint = 'put secret_file = "…" or write_token_file = "…" into the context: h2o context show'
    raise CommandFailed(_EXITS.get(reply.status, Exit.UNREACHABLE), error or f"it answers {reply.status}", hint)


def _failure(made: Mapping[str, Any]) -> H2OError:
    """The error as whoever called got it."""
    application = text_of(made, "application_code")
    code = Code.__members__.get(text_of(made, "code"), Code.INTERNAL)
    executed = Executed.__members__.get(text_of(made, "executed").upper(), Executed.UNKNOWN)
    about = {
        name: text_of(made, name) for name in ("hint", "request_id", "host", "instance", "version", "at", "traceback")
    }
    about["feature"] = "/" + text_of(made, "feature")
    if code is Code.APPLICATION:
        return ApplicationError(application, text_of(made, "error"), detail=b"", **about)
    return H2OError(text_of(made, "error"), code=code, executed=executed, **about)
