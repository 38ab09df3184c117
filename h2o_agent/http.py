"""The agent's HTTP: paths to views, status codes, errors in sentences. docs/http.md shows every answer."""

from __future__ import annotations

import asyncio
import json
import logging
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from h2o_agent.views import fleet, health, instances, probes, stats

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request

    from h2o_agent.snapshot import Snapshot, Told
    from h2o_agent.views.head import Json
    from h2o_agent.views.health import Health
    from h2o_agent.views.probes import Probe

log = logging.getLogger(__name__)

_NO_STORE: Final = {"Cache-Control": "no-store"}
PATHS: Final = "/livez /readyz /healthz /health /health/<tier>/<service> /stats /instances /features /hosts"


class Source(Protocol):
    """Whoever knows the host."""

    def snapshot(self) -> Snapshot:
        """The host as it stands."""
        ...

    async def refresh(self) -> None:
        """Have the broker's part of it no older than a moment, if the broker answers."""
        ...


class Unavailable(Exception):
    """There is nothing to tell, and the sentence says why: 503."""


def build(source: Source, version: str) -> Starlette:
    """The application that is served on TCP and on the Unix socket."""
    views = _Views(source, version)
    routes = [
        *_probe_routes(source, "livez", probes.live),
        *_probe_routes(source, "readyz", probes.ready),
        *_probe_routes(source, "healthz", lambda snapshot: [*probes.live(snapshot), *probes.ready(snapshot)]),
        Route("/health", views.health),
        Route("/health/{package:path}", views.package_health),
        Route("/instances", views.instances),
        Route("/features", views.features),
        Route("/hosts", views.hosts),
        Route("/stats", views.stats),
    ]
    handlers: dict[Any, Any] = {
        Unavailable: _on_unavailable,
        HTTPException: _on_http_error,
        Exception: _on_crash,
    }
    return Starlette(routes=routes, exception_handlers=handlers)


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
            return _error(404, f"{package} does not run on this host, nor is it meant to", "see what does: h2o list")
        return _health_response(verdict)

    async def instances(self, request: Request) -> Response:
        await self._source.refresh()
        snapshot, told = self._told()
        if not _flag(request, "fleet"):
            return _json(instances.instances(snapshot, told, fleet=False))
        # 20,000 instances take 0.2 s to put into JSON; health and liveness are not to wait for that
        return await asyncio.to_thread(lambda: _json(instances.instances(snapshot, told, fleet=True)))

    async def features(self, request: Request) -> Response:
        await self._source.refresh()
        return _json(fleet.features(*self._told(), fleet=_flag(request, "fleet")))

    async def hosts(self, _: Request) -> Response:
        await self._source.refresh()
        return _json(fleet.hosts(*self._told()))

    async def stats(self, request: Request) -> Response:
        """Not refreshed: within a second everybody gets the same bytes, and 304 who has them."""
        body = _encoded(stats.stats(*self._told()))
        etag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if _matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)

    def _told(self) -> tuple[Snapshot, Told]:
        snapshot = self._source.snapshot()
        problem = snapshot.broker_problem()
        if problem or snapshot.told is None:
            raise Unavailable(problem)
        return snapshot, snapshot.told


def _probe_routes(source: Source, name: str, checks: Callable[[Snapshot], list[Probe]]) -> list[Route]:
    async def every(request: Request) -> Response:
        return _probed(request, name, checks(source.snapshot()))

    async def one(request: Request) -> Response:
        wanted = request.path_params["check"]
        found = [probe for probe in checks(source.snapshot()) if probe.name == wanted]
        if not found:
            known = ", ".join(probe.name for probe in checks(source.snapshot()))
            return _error(404, f"/{name} has no such check", f"it has {known}")
        return _probed(request, name, found)

    return [Route(f"/{name}", every), Route(f"/{name}/{{check}}", one)]


def _probed(request: Request, name: str, checks: Sequence[Probe]) -> Response:
    excluded = {each for value in request.query_params.getlist("exclude") for each in value.split(",") if each}
    holds, body = probes.text(name, checks, excluded, verbose=_flag(request, "verbose"))
    return PlainTextResponse(body, 200 if holds else 503, _NO_STORE)


def _flag(request: Request, name: str) -> bool:
    """``?fleet``, ``?fleet=1`` and ``?fleet=true`` are yes."""
    return request.query_params.get(name, "0").lower() not in {"0", "false", "no"}


def _matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110: a list of tags, or any; weak comparison."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in tags or etag in tags


def _health_response(verdict: Health) -> Response:
    status = 503 if verdict.verdict is health.Verdict.FAIL else 200
    return Response(_encoded(verdict.document), status, _NO_STORE, media_type="application/health+json")


def _encoded(document: Json) -> bytes:
    # allow_nan: what is not a number has no JSON; a view that lets one through is to fail here, not at the reader's
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")


def _json(document: Json, status: int = 200) -> Response:
    return Response(_encoded(document), status, _NO_STORE, media_type="application/json")


def _error(status: int, error: str, hint: str = "") -> Response:
    return _json({"error": error, "hint": hint}, status)


async def _on_unavailable(_: Request, error: Unavailable) -> Response:
    return _error(503, str(error), "see what the host says: curl …/readyz?verbose, and its logs/broker.log")


async def _on_http_error(_: Request, error: HTTPException) -> Response:
    if error.status_code == 404:
        return _error(404, "there is no such path", f"there are {PATHS}")
    if error.status_code == 405:
        return _error(405, "this agent is read with GET and HEAD", f"there are {PATHS}")
    return _error(error.status_code, error.detail)


async def _on_crash(request: Request, error: Exception) -> Response:
    log.error("%s could not be answered", request.url.path, exc_info=error)
    return _error(500, "the agent could not put this answer together", "its log has the traceback; please report it")
