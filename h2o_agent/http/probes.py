"""`/livez`, `/readyz`, `/healthz`, each whole and by single checks: the status code decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.responses import PlainTextResponse, Response

from h2o_agent.http.answers import NO_STORE, error, flag
from h2o_agent.http.described import Described, Parameter
from h2o_agent.views import probes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from h2o_agent.http.answers import Source
    from h2o_agent.snapshot import Snapshot
    from h2o_agent.views.probes import Probe

_VERBOSE: Final = Parameter("verbose", "A line for each check; a failure always has them.", "boolean")
_EXCLUDE: Final = Parameter("exclude", "A check to leave out; several with commas.", repeated=True)


def routes(source: Source) -> list[Described]:
    """All of them."""
    return [
        *_routes(source, "livez", "Whether the agent is of any use", probes.live),
        *_routes(source, "readyz", "Whether it can answer for its host, and is to be asked", probes.ready),
        *_routes(source, "healthz", "Both", lambda snapshot: [*probes.live(snapshot), *probes.ready(snapshot)]),
    ]


def _routes(source: Source, name: str, says: str, checks: Callable[[Snapshot], list[Probe]]) -> list[Described]:
    async def every(request: Request) -> Response:
        return _probed(request, name, checks(source.snapshot()))

    async def one(request: Request) -> Response:
        wanted = request.path_params["check"]
        found = [probe for probe in checks(source.snapshot()) if probe.name == wanted]
        if not found:
            known = ", ".join(probe.name for probe in checks(source.snapshot()))
            return error(404, f"/{name} has no such check", f"it has {known}")
        return _probed(request, name, found)

    text = {"media": ("text/plain",), "also": (503,)}
    return [
        Described(f"/{name}", every, says, query=(_VERBOSE, _EXCLUDE), **text),
        Described(
            f"/{name}/{{check}}",
            one,
            f"One check of /{name} alone",
            query=(_VERBOSE,),
            parameters={"check": "Its name, as ?verbose lists it."},
            media=("text/plain",),
            also=(404, 503),
        ),
    ]


def _probed(request: Request, name: str, checks: Sequence[Probe]) -> Response:
    excluded = {each for value in request.query_params.getlist("exclude") for each in value.split(",") if each}
    holds, body = probes.text(name, checks, excluded, verbose=flag(request, "verbose"))
    return PlainTextResponse(body, 200 if holds else 503, NO_STORE)
