"""`/logs`: the host's log lines as NDJSON, at once or as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Final

from starlette.responses import Response, StreamingResponse

from h2o_agent.http.answers import NO_STORE, error
from h2o_agent.http.described import Described, Parameter
from h2o_agent.logs.asking import BadQuestion, parse_question
from h2o_agent.logs.feed import Feed, Order
from h2o_agent.logs.shelf import choose
from h2o_core.io.clock import monotonic_ns, unix_s

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from h2o_agent.http.answers import Source
    from h2o_agent.logs.asking import Question
    from h2o_agent.logs.shelf import Choice, LogSource, Shelf

MOST_READERS: Final = 32
MEDIA_TYPE: Final = "application/x-ndjson"
_POLL_S: Final = 0.1
_LOOK_AROUND_POLLS: Final = 10
"""A log that has come into being is found within a second."""
_ALIVE_S: Final = 5.0
_TURN_NS: Final = 2_000_000
"""After so long others on the loop have their turn."""

_QUERY: Final = (
    Parameter("package", "Of all its instances here.", repeated=True),
    Parameter("instance", "An instance's id or its beginning, a child's key, broker or agent.", repeated=True),
    Parameter("severity", "This or worse: DEBUG, INFO, WARN, ERROR, FATAL."),
    Parameter("grep", "In the body, an attribute or a trace id; small letters find capitals too."),
    Parameter("since", "So long ago (10m, 2h), or a time with its zone."),
    Parameter("until", "The same."),
    Parameter("tail", "So many of the last ones.", "integer"),
    Parameter("limit", "No more than that.", "integer"),
    Parameter("follow", "And then what comes.", "boolean"),
    Parameter("cursor", "Go on exactly there."),
)


def routes(source: Source, shelf: Shelf) -> list[Described]:
    """All of them."""
    readers = _Readers(source, shelf)
    says = "The host's log lines, at once or as they come; a line each"
    return [Described("/logs", readers.logs, says, query=_QUERY, media=(MEDIA_TYPE,), also=(400, 404, 503))]


class _Readers:
    """Everybody who reads logs at the moment."""

    def __init__(self, source: Source, shelf: Shelf) -> None:
        self._source = source
        self._shelf = shelf
        self._open = 0

    async def logs(self, request: Request) -> Response:
        query = request.query_params
        try:
            question = parse_question({key: query.getlist(key) for key in query}, unix_s())
        except BadQuestion as problem:
            return error(400, str(problem), "see docs/http.md, /logs")
        _, choice = self._chosen(question)
        if not choice.ids:
            names = ", ".join(choice.unknown)
            return error(404, f"{names}: nothing of that name has logs on this host", "see what runs: h2o list")
        if request.method == "HEAD":
            return Response(status_code=200, headers=NO_STORE, media_type=MEDIA_TYPE)
        if self._open >= MOST_READERS:
            return error(503, f"{MOST_READERS} readers of logs are the most at a time", "try again when one has left")
        return _Stream(self._answer(question))

    def _chosen(self, question: Question) -> tuple[dict[str, LogSource], Choice]:
        sources = self._shelf.sources(self._source.snapshot())
        return sources, choose(sources, question.instances, question.packages)

    async def _answer(self, question: Question) -> AsyncGenerator[bytes, None]:
        self._open += 1
        order = Order(question.query, question.tail, question.limit, question.cursor, question.bad_cursor)
        feed = Feed(self._shelf, order, unix_s)
        try:
            async for part in self._told(feed, question):
                yield part
        finally:
            feed.close()
            self._open -= 1

    async def _told(self, feed: Feed, question: Question) -> AsyncGenerator[bytes, None]:
        sources, choice = self._chosen(question)
        polls = 0
        said_ns = turn_ns = monotonic_ns()
        while True:
            for part in feed.steps(sources, choice):
                if part:
                    yield part
                    said_ns = turn_ns = monotonic_ns()
                elif monotonic_ns() - turn_ns > _TURN_NS:
                    await asyncio.sleep(0)
                    turn_ns = monotonic_ns()
            polls += 1
            if not question.follow or feed.done or self._shelf.closing:
                break
            if monotonic_ns() - said_ns > _ALIVE_S * 1e9:
                yield feed.control(alive=True) + feed.cursor_line()
                said_ns = monotonic_ns()
            await asyncio.sleep(_POLL_S)
            turn_ns = monotonic_ns()
            if polls % _LOOK_AROUND_POLLS == 0:
                sources, choice = self._chosen(question)
        yield feed.cursor_line()


class _Stream(StreamingResponse):
    """Ends its generator with itself, so that files are let go of when the reader has."""

    def __init__(self, content: AsyncGenerator[bytes, None]) -> None:
        super().__init__(content, media_type=MEDIA_TYPE, headers=NO_STORE)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As an ASGI application."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._content.aclose()
