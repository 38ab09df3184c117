"""`/children/<key or instance id>`: one supervised process in detail, also while the broker is down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.http.answers import answer, error
from h2o_agent.http.described import Described
from h2o_agent.views import children

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source


def routes(source: Source) -> list[Described]:
    """The one."""

    async def child(request: Request) -> Response:
        await source.refresh()
        snapshot = source.snapshot()
        which = str(request.path_params["child"])
        try:
            found = children.find(snapshot, which)
        except children.Ambiguous as problem:
            return error(400, str(problem), "give more of it")
        if found is None:
            known = ", ".join(children.keys(snapshot)[:10]) or "none"
            return error(404, f"this agent has started no {which[:100]}", f"its children: {known}")
        return answer(children.detail(snapshot, found))

    return [
        Described(
            "/children/{child}",
            child,
            "One process that the agent supervises",
            schema="child",
            also=(400, 404),
            parameters={"child": "Its key, the id of the instance that it has become, or the beginning of one."},
        )
    ]
