"""`/conductor`: which agent conducts, and when this is the one, what it sees to and what it has to leave as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_agent.http.answers import answer
from h2o_agent.http.described import Described
from h2o_agent.views.conducting import document

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source


def routes(source: Source) -> list[Described]:
    """The one."""

    async def conductor(_: Request) -> Response:
        return answer(document(source.snapshot()))

    return [Described("/conductor", conductor, "Which agent conducts, and what is due", schema="conductor")]
