"""Asks another host's agent how that host does; whoever does not answer is not known to be healthy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, cast

from h2o_agent.conductor.duties import HostHealth
from h2o_core.io.off_loop import off_loop

TIMEOUT_S: Final = 3.0
_MOST_BYTES: Final = 4 << 20
_LONGEST: Final = 200


class Neighbours:
    """The fleet's agents: `addresses` gives "address:port" by host, *token* opens them."""

    def __init__(self, addresses: Callable[[], Mapping[str, str]], token: str) -> None:
        self._addresses = addresses
        self._token = token

    async def health(self, host: str) -> HostHealth:
        """What its agent says now."""
        address = self._addresses().get(host)
        if address is None:
            return HostHealth(None, "its agent is not in the register")
        try:
            async with asyncio.timeout(2 * TIMEOUT_S):  # for one who sends a byte now and then
                return await off_loop(partial(_ask, address, self._token), "ask-health")
        except TimeoutError:
            return HostHealth(None, f"its agent at {address} does not answer in time")


def _ask(address: str, token: str) -> HostHealth:
    """Blocking; *address* is "address:port", an IPv6 one in brackets."""
    host, _, port = address.rpartition(":")
    connection = HTTPConnection(host.strip("[]"), int(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health", headers={"Authorization": f"Bearer {token}", "Host": address})
        answer = connection.getresponse()
        body = answer.read(_MOST_BYTES)
    except (OSError, HTTPException) as error:
        return HostHealth(None, f"its agent at {address} does not answer: {type(error).__name__}")
    finally:
        connection.close()
    return judged(answer.status, body)


def judged(status: int, body: bytes) -> HostHealth:
    """From the status and body of `/health`."""
    try:
        document: object = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    fields = cast("dict[str, Any]", document) if isinstance(document, dict) else {}
    said = fields.get("status")
    if status == 200 and said in {"pass", "warn"}:
        return HostHealth(healthy=True)
    if status == 503 and said == "fail":
        output = fields.get("output")
        return HostHealth(healthy=False, why=_harmless(output) or "its health fails")
    return HostHealth(None, f"its agent answers with {status} and no verdict")


def _harmless(text: object) -> str:
    """What another host says goes into a journal and on terminals."""
    if not isinstance(text, str):
        return ""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:_LONGEST])
