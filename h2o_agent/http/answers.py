"""What all of the agent's answers have in common: JSON without NaN, errors in sentences, entity tags, flags."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Protocol

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

    from h2o_agent.snapshot import Snapshot, Told
    from h2o_agent.views.head import Json

NO_STORE: Final = {"Cache-Control": "no-store"}


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


def told(source: Source) -> tuple[Snapshot, Told]:
    """The host and what its broker said; raises Unavailable when that is too old or never came."""
    snapshot = source.snapshot()
    problem = snapshot.broker_problem()
    if problem or snapshot.told is None:
        raise Unavailable(problem)
    return snapshot, snapshot.told


def encoded(document: Json) -> bytes:
    """Compact UTF-8; raises ValueError for NaN."""
    # a view that lets one through is to fail here, not at the reader's
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode(errors="replace")


def answer(document: Json, status: int = 200, media_type: str = "application/json") -> Response:
    """A JSON answer that nobody keeps."""
    return Response(encoded(document), status, NO_STORE, media_type=media_type)


def error(status: int, sentence: str, hint: str = "") -> Response:
    """What is wrong, and what to do about it."""
    return answer({"error": sentence, "hint": hint}, status)


def flag(request: Request, name: str) -> bool:
    """``?fleet``, ``?fleet=1`` and ``?fleet=true`` are yes."""
    return request.query_params.get(name, "0").lower() not in {"0", "false", "no"}


def matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110: a list of tags, or any; weak comparison."""
    tags = {each.strip().removeprefix("W/") for each in if_none_match.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags
