"""`/control`: what is decided and what was changed lately, for readers who have no way to ZooKeeper."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from h2o_agent.http.answers import Unavailable, encoded, error, matches
from h2o_agent.http.described import JSON, Described, Parameter
from h2o_agent.views.control import DEFAULT_ENTRIES, MOST_ENTRIES, Wanted, document, mark
from h2o_core.fields import LATEST_S

if TYPE_CHECKING:
    from starlette.requests import Request

    from h2o_agent.http.answers import Source
    from h2o_agent.views.control import Known


class KeepsControl(Protocol):
    """Whoever knows what is decided (`h2o_agent.control_kept.ControlKept`)."""

    @property
    def problem(self) -> str:
        """Why it is not known."""
        ...

    async def known(self) -> Known | None:
        """All of it."""
        ...


def routes(source: Source, control: KeepsControl) -> list[Described]:
    """The one."""
    last: tuple[str, bytes] = ("", b"")

    async def read(request: Request) -> Response:
        nonlocal last
        try:
            wanted = Wanted(_most(request.query_params.get("entries")), _since(request.query_params.get("since")))
        except ValueError as problem:
            return error(400, str(problem), "ask: /control?entries=100&since=1795858200")
        known = await control.known()
        if known is None:
            msg = f"what is decided is not known here: {control.problem}"
            raise Unavailable(msg)
        etag = f'W/"{mark(known, wanted)}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if matches(request.headers.get("if-none-match", ""), etag):
            return Response(status_code=304, headers=headers)
        if last[0] != etag:
            snapshot = source.snapshot()
            # a thousand entries take 20 ms to put into JSON; health and liveness are not to wait for that
            last = etag, await asyncio.to_thread(lambda: encoded(document(snapshot, known, wanted)))
        return Response(last[1], media_type=JSON, headers=headers)

    query = (
        Parameter("entries", f"So many changes at most: {DEFAULT_ENTRIES}, at most {MOST_ENTRIES:,}.", "integer"),
        Parameter("since", "None before this, Unix seconds.", "number"),
    )
    says = "What is decided, what was changed lately, and notes; 304 while it is the same"
    return [Described("/control", read, says, query=query, schema="control", also=(400, 503))]


def _most(said: str | None) -> int:
    if said is None:
        return DEFAULT_ENTRIES
    if not said.isascii() or not said.isdigit() or int(said[:9]) > MOST_ENTRIES:
        msg = f"entries is a whole number, at most {MOST_ENTRIES:,}"
        raise ValueError(msg)
    return int(said)


def _since(said: str | None) -> float:
    msg = "since is a time in Unix seconds"
    try:
        since_s = 0.0 if said is None else float(said)
    except ValueError:
        raise ValueError(msg) from None
    if not 0 <= since_s <= LATEST_S:
        raise ValueError(msg)
    return since_s
