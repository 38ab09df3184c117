"""`/call`: how a feature is called, and, by POST, a call of it for an operator, by this host's broker.

What is asked for is a JSON object, and so is the answer: 200 with the reply, 502 with what went wrong in the call.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from h2o_agent.calls import LONGEST_S, Busy, Made, NoJournal
from h2o_agent.http.answers import answer, error
from h2o_agent.http.connection import MOST_WRITTEN_BYTES
from h2o_agent.http.described import Described, Parameter
from h2o_agent.http.guard import KNOWN_AS
from h2o_core.audit import Author
from h2o_core.documents import InvalidDocument, Reader
from h2o_core.envelope import RouteWish
from h2o_core.errors import ApplicationError, H2OError
from h2o_core.io.calling import Asked
from h2o_core.names import shown
from h2o_core.schema import DoesNotFit, HasNoForm
from h2o_core.whereabouts import Ambiguous, NotThere

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_core.io.calling import Found

_HOW: Final = "see what it takes: GET /call?feature=service/customer/retrieve"
_FIELDS: Final = {
    "fleet", "feature", "request", "key", "headers", "host", "version", "instance", "timeout_ms", "actor", "origin",
    "reason", "journal",
}  # fmt: skip
_LEAST_MS: Final = 1
_LONGEST_NAME: Final = 200
_SOMEBODY: Final = "somebody"


class Calls(Protocol):
    """Whoever makes calls here (`h2o_agent.calls.Caller`)."""

    @property
    def fleet(self) -> str:
        """Whose features it calls."""
        ...

    async def look(self, asked: Asked) -> tuple[Found, Any]:
        """What is known of a feature, and an example of its request."""
        ...

    async def make(self, asked: Asked, text: str, author: Author, *, journalled: bool) -> Made:
        """Call it."""
        ...


def routes(caller: Calls) -> list[Described]:
    """The one."""

    async def look(request: Request) -> Response:
        query = request.query_params
        if not query.get("feature"):
            return error(400, "of which feature?", _HOW)
        where = RouteWish(query.get("host", ""), query.get("version", ""), query.get("instance", ""))
        asked = Asked(query.get("feature", ""), where)
        return answer(_known(*await caller.look(asked)))

    async def make(request: Request) -> Response:
        asked, text, author, journalled = _asked(
            await request.body(), request.scope["state"].get(KNOWN_AS, ""), caller.fleet
        )
        return _made(await caller.make(asked, text, author, journalled=journalled))

    async def endpoint(request: Request) -> Response:
        return await _refusing(make if request.method == "POST" else look, request)

    query = (
        Parameter("feature", "Which: tier/service/feature."),
        Parameter("version", "At this version; without it, the newest."),
        Parameter("host", "Executed on this host or nowhere."),
        Parameter("instance", "By this one: its id, or any unique beginning of it."),
    )
    says = "How a feature is called; by POST, call it"
    return [
        Described(
            "/call",
            endpoint,
            says,
            query=query,
            schema="callable",
            also=(400, 404, 503),
            posts="call",
            answers="called",
            also_posting=(502,),
        )
    ]


async def _refusing(work: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """What *work* answers, or why nothing was called."""
    try:
        return await work(request)
    except InvalidDocument as problem:
        return error(400, problem.sentence, _HOW)
    except (DoesNotFit, Ambiguous) as problem:
        return error(400, str(problem), problem.hint)
    except NotThere as problem:
        return error(404, str(problem), problem.hint)
    except HasNoForm as problem:
        return error(502, str(problem), problem.hint)
    except NoJournal as problem:
        return error(503, str(problem), "is ZooKeeper up? or call it without a journal: --no-journal, journal: false")
    except Busy as problem:
        return error(503, str(problem), "try again in a while")
    except H2OError as problem:
        return error(503, problem.message, problem.hint)


def _asked(body: bytes, known_as: str, fleet: str) -> tuple[Asked, str, Author, bool]:
    """(what, the request in JSON, who, journalled); raises InvalidDocument."""
    reader = Reader.of_json("the body", body, MOST_WRITTEN_BYTES)
    if unknown := sorted(set(reader.fields) - _FIELDS):
        reader.fail(f"there is no field {unknown[0][:64]!a}; there are {', '.join(sorted(_FIELDS))}")
    if (meant := reader.text("fleet", empty=True) or fleet) != fleet:
        reader.fail(f"this agent belongs to fleet {fleet}, not to {meant}")
    if "request" not in reader.fields:
        reader.fail("request is missing: what the feature is called with, as JSON")
    where = RouteWish(*(reader.text(name, empty=True) for name in ("host", "version", "instance")))
    asked = Asked(
        reader.text("feature"),
        where,
        _timeout_s(reader),
        reader.text("key", empty=True) or None,
        {name.lower(): value for name, value in reader.table("headers").items()},
    )
    claimed, origin = _short(reader, "actor"), _short(reader, "origin") or "POST /call"
    author = Author(claimed or _SOMEBODY, origin, reader.text("reason", empty=True))
    if known_as:
        also = f", as {claimed}" if claimed and claimed != known_as else ""
        author = replace(author, actor=known_as, origin=f"{origin}{also}", verified=True)
    journalled = reader.flag("journal") if "journal" in reader.fields else True
    try:
        text = json.dumps(reader.fields["request"])
    except RecursionError:
        reader.fail("request is nested too deeply")
    return asked, text, author, journalled


def _short(reader: Reader, key: str) -> str:
    """It becomes a part of what the journal says."""
    said = reader.text(key, empty=True)
    if len(said) > _LONGEST_NAME:
        reader.fail(f"{key} has {len(said)} characters; at most {_LONGEST_NAME}")
    return said


def _timeout_s(reader: Reader) -> float | None:
    if reader.fields.get("timeout_ms") is None:
        return None
    return reader.integer("timeout_ms", _LEAST_MS, int(LONGEST_S * 1000)) / 1000


def _known(found: Found, example: Any) -> dict[str, Any]:
    feature = found.feature
    return {
        "schema": 1,
        "fleet": found.fleet,
        "feature": shown(feature.name),
        "version": found.version,
        "request_type": feature.request_type,
        "reply_type": feature.reply_type,
        "idempotent": found.idempotent,
        "dev": found.dev,
        "journalled": found.is_journalled,
        "timeout_ms": round(found.timeout_s * 1000),
        "example": example,
    }


def _made(made: Made) -> Response:
    document: dict[str, Any] = {
        "schema": 1,
        "feature": shown(made.found.feature.name),
        "request_id": made.request_id,
        "code": "OK",
        "reply": made.reply,
        "idempotent": made.found.idempotent,
        "journal": made.journal or None,
        "not_journalled": made.unwritten,
    }
    if made.error is None:
        return answer(document)
    return answer({**document, **_failure(made.error, idempotent=made.found.idempotent)}, 502)


def _failure(failed: H2OError, *, idempotent: bool) -> dict[str, Any]:
    application = failed.application_code if isinstance(failed, ApplicationError) else ""
    return {
        "code": failed.code.name,
        "error": failed.message,
        "hint": failed.hint,
        "fault": failed.fault.value,
        "executed": failed.executed.name.lower(),
        "retry_safe": failed.retry_is_safe(idempotent=idempotent),
        "application_code": application,
        "host": failed.host,
        "instance": failed.instance,
        "version": failed.version,
        "at": failed.at,
        "traceback": failed.traceback,
    }
