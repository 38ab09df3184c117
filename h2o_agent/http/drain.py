"""`/drain`: may this host be switched off? The broker is asked at that moment, the agent adds what it knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from h2o_agent.http.answers import answer, told
from h2o_agent.http.described import Described
from h2o_agent.views import drain as views

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from h2o_agent.http.answers import Source

_MOST_SHOWN: Final = 80


def routes(source: Source) -> list[Described]:
    """The one."""

    async def drain(_: Request) -> Response:
        await source.refresh()
        snapshot, said = told(source)
        programs = {pid: _program(pid) for pid in {one.pid for one in said.report.drain.callers if one.pid}}
        return answer(views.document(snapshot, said, programs, os.getpid()))

    says = "How far this host's drain has come, and what its power-off would harm"
    return [Described("/drain", drain, says, schema="drain", also=(503,))]


def _program(pid: int) -> str:
    """The beginning of its command line; empty when it is gone, or another user's in a system that hides them."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return " ".join([words[0].rpartition("/")[2], *words[1:]]).strip()[:_MOST_SHOWN]
