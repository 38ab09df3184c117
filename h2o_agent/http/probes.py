"""`/livez`, `/readyz`, `/healthz`, each whole and by single checks: the status code decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from h2o_agent.http.answers import NO_STORE, error, flag
from h2o_agent.views import probes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from h2o_agent.http.answers import Source
    from h2o_agent.snapshot import Snapshot
    from h2o_agent.views.probes import Probe


def routes(source: Source) -> list[Route]:
    """All of them."""
    return [
        *_routes(source, "livez", probes.live),
        *_routes(source, "readyz", probes.ready),
        *_routes(source, "healthz", lambda snapshot: [*probes.live(snapshot), *probes.ready(snapshot)]),
    ]


def _routes(source: Source, name: str, checks: Callable[[Snapshot], list[Probe]]) -> list[Route]:
    async def every(request: Request) -> Response:
        return _probed(request, name, checks(source.snapshot()))

    async def one(request: Request) -> Response:
        wanted = request.path_params["check"]
        found = [probe for probe in checks(source.snapshot()) if probe.name == wanted]
        if not found:
            known = ", ".join(probe.name for probe in checks(source.snapshot()))
            return error(404, f"/{name} has no such check", f"it has {known}")
        return _probed(request, name, found)

    return [Route(f"/{name}", every), Route(f"/{name}/{{check}}", one)]


def _probed(request: Request, name: str, checks: Sequence[Probe]) -> Response:
    excluded = {each for value in request.query_params.getlist("exclude") for each in value.split(",") if each}
    holds, body = probes.text(name, checks, excluded, verbose=flag(request, "verbose"))
    return PlainTextResponse(body, 200 if holds else 503, NO_STORE)
