"""Kills a broker under its callers, and watches what they are told until service is back."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from examples.demo.command_line import Unmet
from examples.messages.customer_pb2 import Customer, CustomerId
from examples.messages.geo_pb2 import Place, Position
from h2o_service import Client, Code, H2OError

if TYPE_CHECKING:
    from pathlib import Path

_IN_FLIGHT: Final = 8
_SLOW: Final = Place(locale="en-GB")
_TIMEOUT_S: Final = 2.0
_BOUND_S: Final = 10.0
_CLEAR: Final = {Code.OUTCOME_UNKNOWN, Code.UNAVAILABLE}


@dataclass(slots=True)
class Burst:
    """How the requests in flight ended, one example of each text, and when service was back."""

    sent: int = _IN_FLIGHT
    outcomes: Counter[str] = field(default_factory=Counter[str])
    examples: dict[str, str] = field(default_factory=dict[str, str])
    until_served_s: float = 0.0


def broker_survived(run_dir: Path, broker_pid: int) -> Burst:
    """Kill *broker_pid* with slow requests in flight at a client of *run_dir*; raises Unmet."""
    return asyncio.run(_kill_and_watch(f"unix:{run_dir}/broker.sock", broker_pid))


async def _kill_and_watch(endpoint: str, broker_pid: int) -> Burst:
    burst = Burst()
    async with Client(endpoint, program="tour", connect_timeout_s=_BOUND_S) as client:
        await client.call("/service/geo/locate", _SLOW, Position, timeout_s=_TIMEOUT_S)
        slow = [
            asyncio.ensure_future(client.call("/service/geo/locate", _SLOW, Position, timeout_s=_TIMEOUT_S))
            for _ in range(_IN_FLIGHT)
        ]
        await asyncio.sleep(0.02)  # on their way; the fastest takes 80 ms
        killed_at = time.monotonic()
        os.kill(broker_pid, signal.SIGKILL)
        async with asyncio.timeout(_BOUND_S):
            ended = await asyncio.gather(*slow, return_exceptions=True)
        for one in ended:
            _count(burst, one)
        told = sum(count for name, count in burst.outcomes.items() if Code[name] in _CLEAR)
        if not told:
            msg = f"nobody in flight was told: {dict(burst.outcomes)}"
            raise Unmet(msg)
        burst.until_served_s = await _served_again(client, burst, killed_at)
    return burst


def _count(burst: Burst, ended: Position | BaseException) -> None:
    if isinstance(ended, H2OError):
        burst.outcomes[ended.code.name] += 1
        burst.examples.setdefault(ended.code.name, str(ended).replace("\n", " "))
    elif isinstance(ended, BaseException):
        raise ended
    else:
        burst.outcomes["OK"] += 1


async def _served_again(client: Client, burst: Burst, killed_at: float) -> float:
    """Call until one call succeeds; every failure until then has to be a clear one."""
    while True:
        try:
            await client.call("/service/customer/retrieve", CustomerId(id=1), Customer, timeout_s=_TIMEOUT_S)
        except H2OError as error:
            burst.examples.setdefault(error.code.name, str(error).replace("\n", " "))
            if time.monotonic() - killed_at > _BOUND_S:
                msg = f"no service {_BOUND_S:.0f} s after the kill: {error}"
                raise Unmet(msg) from None
            await asyncio.sleep(0.02)
        else:
            return time.monotonic() - killed_at
