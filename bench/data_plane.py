"""Group ``data-plane``: our requests beside C zmq.proxy's and NATS', in interleaved rounds.

A round is one window on each lane in turn (A B C A B C …); a comparison is the median of the rounds'
ratios. All lanes' processes live all the time; those not measured idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.children import Children
from bench.figures import Figure
from bench.lanes import NATS, PROXY, SDK, SERVERS, Lane, MissingPeer, start_nats, start_proxy, start_sdk
from bench.statistics import Round, Spread, Window, disturbance, ratios, typical

GROUP: Final = "data-plane"
IN_FLIGHT: Final = (1, 64, 256)
_CALM: Final = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to look: windows of *window_s*, *rounds* at each number in flight, after *warm_up_s* a lane."""

    rounds: int
    window_s: float
    warm_up_s: float


FULL: Final = Plan(rounds=11, window_s=2.0, warm_up_s=1.0)
QUICK: Final = Plan(rounds=5, window_s=0.6, warm_up_s=0.2)


def run(directory: Path, plan: Plan, say: Callable[[str], None]) -> list[Figure]:
    """All figures of the group; *say* gets progress and what is left out. Raises BenchError."""
    with Children(directory) as children:
        lanes = _start(children, directory, say)
        figures: list[Figure] = []
        for in_flight in IN_FLIGHT:
            say(f"{in_flight} in flight: {plan.rounds} rounds of {' '.join(lane.name for lane in lanes)}")
            rounds = _rounds(lanes, in_flight, plan)
            others = disturbance(rounds)
            if others is not None:
                figures.append(Figure(GROUP, f"others_cpu_{in_flight}", 100 * others, "% of the machine"))
                if others > _CALM:
                    say(f"  other programs used {others:.0%} of this machine meanwhile: expect noise")
            figures += [*comparisons(rounds, in_flight), *raw(rounds, in_flight)]
        return figures


def _start(children: Children, directory: Path, say: Callable[[str], None]) -> list[Lane]:
    lanes = [start_sdk(children, directory / SDK), start_proxy(children, directory / PROXY)]
    try:
        lanes.append(start_nats(children, directory / NATS))
    except MissingPeer as missing:
        say(str(missing))
    for lane in lanes:
        lane.wait_ready()
    return lanes


def _rounds(lanes: Sequence[Lane], in_flight: int, plan: Plan) -> list[Round]:
    for lane in lanes:
        lane.measure(in_flight, plan.warm_up_s)
    return [{lane.name: lane.measure(in_flight, plan.window_s) for lane in lanes} for _ in range(plan.rounds)]


def comparisons(rounds: Sequence[Round], in_flight: int) -> Iterator[Figure]:
    """The figures that have goals, with their quartiles, as far as this number in flight has any."""
    for name, spread in _comparisons(rounds, in_flight):
        yield Figure(GROUP, name, spread.median, "ratio")
        yield Figure(GROUP, f"{name}_low", spread.low, "ratio")
        yield Figure(GROUP, f"{name}_high", spread.high, "ratio")


def _comparisons(rounds: Sequence[Round], in_flight: int) -> Iterator[tuple[str, Spread]]:
    rate, p50 = _rate, _p50
    has_nats = NATS in rounds[0]
    if in_flight == 1:
        yield "p50_vs_proxy_1", ratios(rounds, (SDK, p50), (PROXY, p50))
        if has_nats:
            yield "p50_vs_nats_1", ratios(rounds, (SDK, p50), (NATS, p50))
        return
    yield f"sdk_vs_proxy_{in_flight}", ratios(rounds, (SDK, rate), (PROXY, rate))
    broker, proxy = _cpu(SERVERS[SDK]), _cpu(SERVERS[PROXY])
    yield f"broker_cpu_vs_proxy_{in_flight}", ratios(rounds, (SDK, broker), (PROXY, proxy))
    if has_nats:
        yield f"sdk_vs_nats_{in_flight}", ratios(rounds, (SDK, rate), (NATS, rate))


def raw(rounds: Sequence[Round], in_flight: int) -> Iterator[Figure]:
    """What each lane did: requests a second, p50, p99, CPU of each process; medians over the rounds."""
    for lane, window in rounds[0].items():
        yield Figure(GROUP, f"{lane}_per_s_{in_flight}", typical(rounds, lane, _rate), "requests/s")
        yield Figure(GROUP, f"{lane}_p50_us_{in_flight}", typical(rounds, lane, _p50), "µs")
        yield Figure(GROUP, f"{lane}_p99_us_{in_flight}", typical(rounds, lane, _p99), "µs")
        for role in window.cpu_s:
            cpu_us = typical(rounds, lane, _cpu(role))
            yield Figure(GROUP, f"{lane}_{role}_cpu_us_{in_flight}", cpu_us, "CPU µs/request")


def _rate(window: Window) -> float:
    return window.per_second


def _p50(window: Window) -> float:
    return window.p50_us


def _p99(window: Window) -> float:
    return window.p99_us


def _cpu(role: str) -> Callable[[Window], float]:
    return lambda window: window.cpu_us(role)
