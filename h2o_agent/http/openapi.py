"""`/openapi.json`: OpenAPI 3.1 of all paths, made of what stands beside their routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.http.answers import answer
from h2o_agent.http.described import Described
from h2o_agent.http.schemas.named import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from h2o_agent.views.head import Json


def route(others: Sequence[Route], version: str) -> Described:
    """The one that describes *others* and itself."""

    async def openapi(_: Request) -> Response:
        return answer(document([*others, itself], version))

    itself = Described("/openapi.json", openapi, "This description of all paths, OpenAPI 3.1")
    return itself


def document(routes: Sequence[Route], version: str) -> Json:
    """The whole of it; *version* is the agent's."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "H2O agent",
            "version": version,
            "description": "One host of an H2O fleet, and the fleet as this host sees it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{}, {"token": []}],
        "paths": {each.shown: each.item() for each in routes if isinstance(each, Described)},
        "components": {
            "schemas": SCHEMAS,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The fleet's read token (h2o token); nothing is needed on loopback and Unix socket.",
                },
                "writeToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A write token (h2o token --write), which reads, too; none on the Unix socket.",
                },
            },
        },
    }
