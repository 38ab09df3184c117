"""`/history`: the host's past, as protobuf or JSON."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Protocol

from starlette.responses import Response

from h2o_agent.http.answers import NO_STORE, answer, error
from h2o_agent.http.described import JSON, Described, Parameter
from h2o_agent.http.negotiation import preferred
from h2o_agent.views import history

if TYPE_CHECKING:
    from starlette.requests import Request

    from h2o_agent.history.answering import Query
    from h2o_core.pb.host_pb2 import History

PROTOBUF: Final = "application/x-protobuf"
_MOST_BYTES: Final = {PROTOBUF: 8 << 20, JSON: 1 << 20}
"""Of the points as protobuf; JSON is about seven times that."""

_VARY: Final = {"Vary": "Accept"}
"""Of either form: whoever keeps one answer must not give it to somebody who wants the other."""
_QUERY: Final = (
    Parameter("resolution", "1s, 10s, 60s, or whole minutes up to 3600s."),
    Parameter("package", "Of this one alone."),
    Parameter("kind", "package or host."),
    Parameter("since", "Unix seconds or a time with its zone."),
)


class Remembers(Protocol):
    """Whoever knows the host's past."""

    async def answer(self, query: Query, most_bytes: int) -> History:
        """What is whole of what is asked for, the newest that fits."""
        ...


def routes(past: Remembers) -> list[Described]:
    """The one."""

    async def read(request: Request) -> Response:
        try:
            query = history.query(request.query_params)
        except history.BadQuery as problem:
            return error(
                400, str(problem), "/history?resolution=10s&package=service/customer&since=2026-11-27T20:15:00Z"
            )
        form = preferred(request.headers.get("accept", ""), (JSON, PROTOBUF))
        found = await past.answer(query, _MOST_BYTES[form])
        if form == PROTOBUF:
            return Response(found.SerializeToString(), headers={**NO_STORE, **_VARY}, media_type=PROTOBUF)
        made = await asyncio.to_thread(lambda: answer(history.document(found)))
        made.headers.update(_VARY)
        return made

    says = "The host's past: what was served, and how the server did"
    return [Described("/history", read, says, query=_QUERY, media=(JSON, PROTOBUF), also=(400,))]
