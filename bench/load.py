"""The closed loop of every lane's client: so many requests in flight, until time is up.

Runs in the client's process, told by JSON lines on standard input what to do and answering one line
each. All lanes share this code; a lane is only its `Call`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from bench.cpu import cores, cpu_s, machine_busy_s
from bench.statistics import quantile

Call: TypeAlias = Callable[[int], Awaitable[None]]
"""Send one request with this id and wait for its reply; raises when it fails or the reply is another's."""

TIMEOUT_S: Final = 10.0
"""Of one request, on every lane: a slow machine is a slow figure, not an error."""


class WrongReply(RuntimeError):
    """The reply belongs to another request."""


async def serve(call: Call) -> None:
    """Answer lines until standard input closes: ``{"ready": s}`` or ``{"in_flight", "seconds", "pids"}``."""
    while line := await asyncio.to_thread(sys.stdin.readline):
        question = json.loads(line)
        try:
            answer = await (_ready(call, question["ready"]) if "ready" in question else _window(call, question))
        except Exception as error:  # noqa: BLE001 - whatever it is, the bench must say it
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


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


async def _window(call: Call, question: dict[str, Any]) -> dict[str, Any]:
    pids: dict[str, int] = question["pids"]
    cpu_before = {role: cpu_s(pid) for role, pid in pids.items()}
    own_before_s, busy_before_s = time.process_time(), machine_busy_s()
    latencies_ns, elapsed_s = await closed_loop(call, question["in_flight"], question["seconds"])
    busy_after_s = machine_busy_s()
    spent = {role: cpu_s(pid) - cpu_before[role] for role, pid in pids.items()}
    spent["client"] = time.process_time() - own_before_s
    others: float | None = None
    if busy_before_s is not None and busy_after_s is not None:
        others = max(0.0, (busy_after_s - busy_before_s - sum(spent.values())) / (elapsed_s * cores()))
    latencies_ns.sort()
    return {
        "requests": len(latencies_ns),
        "elapsed_s": elapsed_s,
        "p50_us": quantile(latencies_ns, 0.5) / 1e3,
        "p99_us": quantile(latencies_ns, 0.99) / 1e3,
        "cpu_s": spent,
        "others": others,
    }


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
