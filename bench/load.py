"""The closed loop of every lane's client: so many requests in flight, until time is up.

Runs in the client's process, told by JSON lines on standard input what to do and answering one line
each. The lanes on asyncio share this code, a lane is only its `Call`; zerorpc's client says the same in greenlets.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from bench.meter import Meter

Call: TypeAlias = Callable[[int], Awaitable[None]]
"""Send one request with this id and wait for its reply; raises when it fails or the reply is another's."""

TIMEOUT_S: Final = 10.0
"""Of one request, on every lane: a slow machine is a slow figure, not an error."""


class WrongReply(RuntimeError):
    """The reply belongs to another request."""


async def serve(call: Call) -> None:
    """Answer lines until standard input closes.

    ``{"ready": s}``, ``{"in_flight", "seconds", "pids"}`` or ``{"in_flight", "requests"}``.
    """
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            answer = await _answer(call, json.loads(line))
        except Exception as error:  # noqa: BLE001 - whatever it is, the bench must say it
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer)


def say(answer: dict[str, Any]) -> None:
    """One line to the bench."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


async def _answer(call: Call, question: dict[str, Any]) -> dict[str, Any]:
    if "ready" in question:
        return await _ready(call, question["ready"])
    if "requests" in question:
        return {"requests": await counted(call, question["in_flight"], question["requests"])}
    meter = Meter(question["pids"])
    return meter.window(*await closed_loop(call, question["in_flight"], question["seconds"]))


async def _ready(call: Call, within_s: float) -> dict[str, Any]:
    """Try until one request succeeds: server and worker take their time to start."""
    give_up_s = time.monotonic() + within_s
    while True:
        try:
            await call(0)
        except Exception:
            if time.monotonic() > give_up_s:
                raise
            await asyncio.sleep(0.05)
        else:
            return {}


async def closed_loop(call: Call, in_flight: int, seconds: float) -> tuple[list[int], float]:
    """Latencies (ns) of all requests, and the seconds until the last one was answered."""
    latencies_ns: list[int] = []
    clock = time.perf_counter_ns
    started_ns = clock()
    stop_ns = started_ns + int(seconds * 1e9)

    async def one_after_the_other(request_id: int) -> None:
        sent_ns = clock()
        while sent_ns < stop_ns:
            await call(request_id)
            answered_ns = clock()
            latencies_ns.append(answered_ns - sent_ns)
            sent_ns = answered_ns
            request_id += in_flight

    await asyncio.gather(*(one_after_the_other(1 + at) for at in range(in_flight)))
    return latencies_ns, (clock() - started_ns) / 1e9


async def counted(call: Call, in_flight: int, requests: int) -> int:
    """Send so many, note nothing down (the client's memory is looked at), and say how many were answered."""
    ids = iter(range(1, requests + 1))
    answered = 0

    async def one_after_the_other() -> None:
        nonlocal answered
        for request_id in ids:
            await call(request_id)
            answered += 1

    await asyncio.gather(*(one_after_the_other() for _ in range(in_flight)))
    return answered
