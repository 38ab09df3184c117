"""Says HELLO to the local broker, to learn which wire it speaks."""

from __future__ import annotations

import asyncio

from h2o_core.context import BROKER_SOCKET, NoContext, check_socket_path
from h2o_core.errors import H2OError
from h2o_core.io.client import Client


def greet(run_dir: str, timeout_s: float) -> tuple[str, int | None]:
    """(where it is or why it does not answer, its wire version)."""
    try:
        endpoint = "unix:" + check_socket_path(f"{run_dir}/{BROKER_SOCKET}")
        return asyncio.run(_greet(endpoint, timeout_s))
    except (H2OError, NoContext) as error:
        return str(error).partition("\n")[0], None


async def _greet(endpoint: str, timeout_s: float) -> tuple[str, int | None]:
    async with Client(endpoint, program="h2o version", connect_timeout_s=timeout_s) as client:
        welcome = client.welcome
        if welcome is None:
            return endpoint, None
        return f"{endpoint} host {welcome.host}", welcome.wire
