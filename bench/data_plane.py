"""Group ``data-plane``: our requests beside other peoples', in interleaved rounds; then what memory they cost.

A round is one window on each lane in turn (A B C A B C …); a comparison is the median of the rounds'
ratios. All lanes' processes live all the time; those not measured idle.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import memory
from bench.children import Children
from bench.comparisons import GROUP, LANES_AT, comparisons, raw
from bench.direct import start_grpc, start_zerorpc
from bench.figures import Figure
from bench.fleet import running_zookeeper
from bench.lanes import (
    GRPC,
    MANY,
    NATS,
    NATS_MANY,
    PROXY,
    SDK,
    SDK_MANY,
    TWO_HOSTS,
    ZERORPC,
    Lane,
    MissingPeer,
    start_nats,
    start_proxy,
    start_sdk,
)
from bench.statistics import Round, disturbance
from bench.two_hosts import start_two_hosts

IN_FLIGHT: Final = tuple(LANES_AT)
_CALM: Final = 0.05
_SLOW: Final = frozenset({GRPC, ZERORPC})
"""Several times slower than the rest: their ratios are far from any goal's edge, and half a window tells them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long to look: windows of *window_s*, *rounds* at each number in flight, after *warm_up_s* a lane.

    *memory_requests*: over how many the processes' memory is watched.
    """

    rounds: int
    window_s: float
    warm_up_s: float
    memory_requests: int

    def window_of(self, lane: Lane) -> float:
        """How long a window on this lane is."""
        return self.window_s / 2 if lane.name in _SLOW else self.window_s


FULL: Final = Plan(rounds=11, window_s=2.0, warm_up_s=1.0, memory_requests=1_000_000)
QUICK: Final = Plan(rounds=5, window_s=0.6, warm_up_s=0.2, memory_requests=100_000)


def run(directory: Path, plan: Plan, say: Callable[[str], None]) -> list[Figure]:
    """All figures of the group; *say* gets progress and what is left out. Raises BenchError."""
    figures: list[Figure] = []
    with ExitStack() as servers, Children(directory) as children:
        lanes = _start(children, directory, servers, say)
        for in_flight in IN_FLIGHT:
            chosen = [lanes[name] for name in LANES_AT[in_flight] if name in lanes]
            say(f"{in_flight} in flight: {plan.rounds} rounds of {' '.join(lane.name for lane in chosen)}")
            rounds = _rounds(chosen, in_flight, plan)
            figures += [*_disturbance(rounds, in_flight, say), *comparisons(rounds, in_flight), *raw(rounds, in_flight)]
    return figures + memory.run(GROUP, directory, plan.memory_requests, say)


def _start(children: Children, directory: Path, servers: ExitStack, say: Callable[[str], None]) -> dict[str, Lane]:
    """Every lane that can run here, ready; what the others lack is said, once each."""

    def two_hosts(path: Path) -> Lane:
        address = servers.enter_context(running_zookeeper(directory / "zookeeper"))
        return start_two_hosts(children, path, address)

    starts: dict[str, Callable[[Path], Lane]] = {
        TWO_HOSTS: two_hosts,
        SDK: lambda path: start_sdk(children, path),
        PROXY: lambda path: start_proxy(children, path),
        NATS: lambda path: start_nats(children, path),
        SDK_MANY: lambda path: start_sdk(children, path, name=SDK_MANY, workers=MANY),
        NATS_MANY: lambda path: start_nats(children, path, name=NATS_MANY, workers=MANY),
        GRPC: lambda _path: start_grpc(children),
        ZERORPC: lambda path: start_zerorpc(children, path),
    }
    lanes: dict[str, Lane] = {}
    missing: dict[str, list[str]] = {}
    for name, start in starts.items():
        try:
            lanes[name] = start(directory / name)
        except MissingPeer as why:
            missing.setdefault(str(why), []).append(name)
    for why, names in missing.items():
        say(f"left out: {' '.join(names)}. {why}")
    for lane in lanes.values():
        lane.wait_ready()
    return lanes


def _rounds(lanes: Sequence[Lane], in_flight: int, plan: Plan) -> list[Round]:
    for lane in lanes:
        lane.measure(in_flight, plan.warm_up_s)
    return [{lane.name: lane.measure(in_flight, plan.window_of(lane)) for lane in lanes} for _ in range(plan.rounds)]


def _disturbance(rounds: Sequence[Round], in_flight: int, say: Callable[[str], None]) -> Iterator[Figure]:
    others = disturbance(rounds)
    if others is None:
        return
    yield Figure(GROUP, f"others_cpu_{in_flight}", 100 * others, "% of the machine")
    if others > _CALM:
        say(f"  other programs used {others:.0%} of this machine meanwhile: expect noise")
