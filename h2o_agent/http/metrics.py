"""`/metrics` for Prometheus, and `/sd/prometheus`: where the fleet's agents are."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

from h2o_agent.http.answers import NO_STORE
from h2o_agent.http.described import Described
from h2o_agent.http.negotiation import preferred
from h2o_agent.metrics.discovery import targets
from h2o_agent.metrics.exposition import CONTENT_TYPES, OPENMETRICS, TEXT, exposition

if TYPE_CHECKING:
    from starlette.requests import Request

    from h2o_agent.http.answers import Source
    from h2o_agent.metrics.totals import Totals


def routes(source: Source, version: str, totals: Totals) -> list[Described]:
    """Both."""

    async def metrics(request: Request) -> Response:
        form = preferred(request.headers.get("accept", ""), (TEXT, OPENMETRICS))
        # twenty instances' histograms are thousands of lines; health and liveness are not to wait for them
        body = await asyncio.to_thread(partial(exposition, source.snapshot(), totals, version, form))
        return Response(body, headers={**NO_STORE, "Vary": "Accept", "Content-Type": CONTENT_TYPES[form]})

    async def discovery(_: Request) -> Response:
        return JSONResponse(targets(source.snapshot()), headers=NO_STORE)

    return [
        Described("/metrics", metrics, "Everything that is counted here, for Prometheus", media=(TEXT, OPENMETRICS)),
        Described("/sd/prometheus", discovery, "The fleet's agents, for http_sd of Prometheus", schema="targets"),
    ]
