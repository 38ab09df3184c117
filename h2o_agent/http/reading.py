"""`/health`, `/instances`, `/features`, `/hosts`, `/stats`: one snapshot each, rendered by `h2o_agent.views`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from h2o_agent.http.answers import answer, encoded, error, flag, matches, told
from h2o_agent.http.described import JSON, Described, Parameter
from h2o_agent.http.negotiation import preferred
from h2o_agent.views import fleet, health, instances, stats
from h2o_agent.views.hoststats import fingerprint, host_stats

if TYPE_CHECKING:
    from starlette.requests import Request

    from h2o_agent.http.answers import Source
    from h2o_agent.views.health import Health

_FLEET: Final = Parameter("fleet", "Everybody's, not only this host's.", "boolean")
PROTOBUF: Final = "application/x-protobuf"


def routes(source: Source, version: str) -> list[Described]:
    """All of them; *version* is the agent's."""
    views = _Views(source, version)
    judged = {"media": ("application/health+json",), "schema": "health"}
    return [
        Described("/health", views.health, "The host's verdict, and all checks", **judged, also=(503,)),
        Described(
            "/health/{package:path}",
            views.package_health,
            "One package on this host",
            **judged,
            also=(404, 503),
            shown="/health/{tier}/{service}",
            parameters={"tier": "api, orchestration or service.", "service": "The package's own name."},
        ),
        Described(
            "/instances", views.instances, "The host's instances", query=(_FLEET,), schema="instances", also=(503,)
        ),
        Described(
            "/features", views.features, "What can be called here", query=(_FLEET,), schema="features", also=(503,)
        ),
        Described(
            "/hosts", views.hosts, "The fleet's hosts as this one's broker sees them", schema="hosts", also=(503,)
        ),
        Described(
            "/stats",
            views.stats,
            "Raw counters since the broker started; 304 while nothing happens",
            media=(JSON, PROTOBUF),
            schema="stats",
            also=(503,),
        ),
    ]


class _Views:
    """One method a path; each takes one snapshot and renders it."""

    def __init__(self, source: Source, version: str) -> None:
        self._source = source
        self._version = version

    async def health(self, _: Request) -> Response:
        return _health_response(health.health(self._source.snapshot(), self._version))

    async def package_health(self, request: Request) -> Response:
        package = str(request.path_params["package"]).strip("/")
        verdict = health.package_health(self._source.snapshot(), package, self._version)
        if verdict is None:
            return error(404, f"{package} does not run on this host, nor is it meant to", "see what does: h2o list")
        return _health_response(verdict)

    async def instances(self, request: Request) -> Response:
        await self._source.refresh()
        snapshot, said = told(self._source)
        if not flag(request, "fleet"):
            return answer(instances.instances(snapshot, said, fleet=False))
        # 20,000 instances take 0.2 s to put into JSON; health and liveness are not to wait for that
        return await asyncio.to_thread(lambda: answer(instances.instances(snapshot, said, fleet=True)))

    async def features(self, request: Request) -> Response:
        await self._source.refresh()
        return answer(fleet.features(*told(self._source), fleet=flag(request, "fleet")))

    async def hosts(self, _: Request) -> Response:
        await self._source.refresh()
        return answer(fleet.hosts(*told(self._source)))

    async def stats(self, request: Request) -> Response:
        """Not refreshed: it is asked for once a second, as the broker is. 304 while nothing has happened."""
        form = preferred(request.headers.get("accept", ""), (JSON, PROTOBUF))
        snapshot, said = told(self._source) if form == JSON else (self._source.snapshot(), None)
        whole = host_stats(snapshot, self._version)
        etag = f'W/"{fingerprint(whole)}-{form.rpartition("/")[2]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept"}
        if matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        if said is None:
            return Response(whole.SerializeToString(), media_type=form, headers=headers)
        # two hundred features take 50 ms to put into JSON; health and liveness are not to wait for that
        body = await asyncio.to_thread(lambda: encoded(stats.stats(snapshot, said)))
        return Response(body, media_type=form, headers=headers)


def _health_response(verdict: Health) -> Response:
    status = 503 if verdict.verdict is health.Verdict.FAIL else 200
    return answer(verdict.document, status, "application/health+json")
