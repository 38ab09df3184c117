"""``script/bench --profile``: where broker, worker and client spend their CPU time at 64 in flight.

All three processes run under bench.sampler; figures are never taken under it.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench.children import BenchError, Children
from bench.lanes import Lane, start_sdk

if TYPE_CHECKING:
    from bench.statistics import Window

IN_FLIGHT: Final = 64
_WARM_UP_S: Final = 1.0
_FUNCTIONS: Final = 22
_LINES: Final = 16


def run(directory: Path, seconds: float, say: Callable[[str], None]) -> str:
    """The report of one window under load; raises BenchError."""
    say(f"profiling the sdk lane for {seconds:g} s at {IN_FLIGHT} in flight")
    seen = {role: directory / f"{role}.json" for role in ("broker", "worker", "client")}
    with Children(directory) as children:
        lane = start_sdk(children, directory / "sdk", profiles=seen)
        lane.wait_ready()
        lane.measure(IN_FLIGHT, _WARM_UP_S)
        _forget_start_up(lane)
        window = lane.measure(IN_FLIGHT, seconds)
    return "\n\n".join(_report(role, _seen(role, path), window) for role, path in seen.items())


def _seen(role: str, path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        msg = f"the {role}'s sampler left nothing: {error}"
        raise BenchError(msg) from None


def _forget_start_up(lane: Lane) -> None:
    for child in (lane.client, *(child for part in lane.parts.values() for child in part)):
        os.kill(child.pid, signal.SIGUSR1)


def _report(role: str, seen: dict[str, Any], window: Window) -> str:
    functions: list[tuple[str, float, float]] = [tuple(row) for row in seen["functions"]]
    lines: list[tuple[str, float]] = [tuple(row) for row in seen["lines"]]
    total_s = sum(own for _, own, _ in functions)

    def us(seconds: float) -> str:
        return f"{seconds * 1e6 / window.requests:7.2f}"

    head = (
        f"{role}: {window.cpu_us(role):.1f} CPU µs a request by its clock, {us(total_s).strip()} of them in the main"
        f" thread as sampled ({window.requests:,} requests, {window.per_second:,.0f}/s under the profiler)"
    )
    report = [head, "  own µs  under µs  function"]
    functions.sort(key=lambda row: -row[1])
    report += [f" {us(own)}   {us(under)}  {place}" for place, own, under in functions[:_FUNCTIONS] if own]
    report += ["  own µs  line"]
    lines.sort(key=lambda row: -row[1])
    report += [f" {us(own)}  {place}" for place, own in lines[:_LINES]]
    return "\n".join(report)
