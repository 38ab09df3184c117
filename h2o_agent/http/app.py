"""The agent's HTTP application: the families of paths, and what is said when something is wrong."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from h2o_agent.http import (
    call,
    children,
    conductor,
    control,
    drain,
    epoch,
    history,
    logs,
    metrics,
    openapi,
    probes,
    reading,
    register,
    why,
)
from h2o_agent.http.answers import Unavailable, error
from h2o_agent.http.described import paths_of
from h2o_agent.http.guard import Guard, Guarded
from h2o_agent.metrics.totals import Totals

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source
    from h2o_agent.http.call import Calls
    from h2o_agent.http.control import KeepsControl
    from h2o_agent.http.history import Remembers
    from h2o_agent.http.register import Registrar
    from h2o_agent.http.why import Explains
    from h2o_agent.logs.shelf import Shelf

log = logging.getLogger(__name__)

_LOOPBACK: Final = Guard()


def build(  # noqa: PLR0913 - one for each part of a host
    source: Source,
    version: str,
    shelf: Shelf,
    guard: Guard = _LOOPBACK,
    past: Remembers | None = None,
    totals: Totals | None = None,
    broker: Explains | None = None,
    caller: Calls | None = None,
    registrar: Registrar | None = None,
    decided: KeepsControl | None = None,
) -> Starlette:
    """The application that is served on TCP and on the Unix socket.

    *shelf*: the host's logs; without a *past* there is no `/history`, without a *broker* no `/why`, without a *caller*
    no `/call`, without a *registrar* no `/register`, `/changes` and `/notes`, without *decided* no `/control`;
    *totals* is told each report by whoever builds.
    """
    handlers: dict[Any, Any] = {
        Unavailable: _on_unavailable,
        HTTPException: _on_http_error,
        Exception: _on_crash,
    }
    routes = [
        *probes.routes(source),
        *reading.routes(source, version),
        *children.routes(source),
        *epoch.routes(source),
        *conductor.routes(source),
        *drain.routes(source),
        *metrics.routes(source, version, totals or Totals()),
        *logs.routes(source, shelf),
        *(history.routes(past) if past is not None else ()),
        *(why.routes(source, broker) if broker is not None else ()),
        *(call.routes(caller) if caller is not None else ()),
        *(register.routes(registrar) if registrar is not None else ()),
        *(control.routes(source, decided) if decided is not None else ()),
    ]
    writable = frozenset(route.path for route in routes if "POST" in (route.methods or ()))
    guarded = Middleware(Guarded, guard=guard, writable=writable)
    described = openapi.route(routes, version)
    return Starlette(routes=[*routes, described], exception_handlers=handlers, middleware=[guarded])


async def _on_unavailable(_: Request, problem: Unavailable) -> Response:
    return error(503, str(problem), "see what the host says: curl …/readyz?verbose, and its logs/broker.log")


async def _on_http_error(request: Request, problem: HTTPException) -> Response:
    if problem.status_code == 404:
        return error(404, "there is no such path", f"there are {' '.join(paths_of(request.app.routes))}")
    return error(problem.status_code, problem.detail)


async def _on_crash(request: Request, problem: Exception) -> Response:
    log.error("%s could not be answered", request.url.path, exc_info=problem)
    return error(500, "the agent could not put this answer together", "its log has the traceback; please report it")
