"""Which figures group ``data-plane`` makes of its rounds: ratios of one lane to another, and each lane's own. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from bench.figures import Figure
from bench.lanes import GRPC, NATS, NATS_MANY, PROXY, SDK, SDK_MANY, TWO_HOSTS, ZERORPC
from bench.statistics import Measure, Round, Window, ratios, typical

GROUP: Final = "data-plane"
LANES_AT: Final[dict[int, tuple[str, ...]]] = {
    1: (SDK, PROXY, NATS),
    64: (SDK, PROXY, NATS, TWO_HOSTS, SDK_MANY, NATS_MANY, GRPC, ZERORPC),
    256: (SDK, PROXY, NATS, GRPC),
}
"""By the number in flight, the lanes of a round in their order."""

_Side: TypeAlias = tuple[str, Measure]
"""A lane and what is looked at on it."""


def _rate(window: Window) -> float:
    return window.per_second


def _p50(window: Window) -> float:
    return window.p50_us


def _p99(window: Window) -> float:
    return window.p99_us


def _cpu(role: str) -> Callable[[Window], float]:
    return lambda window: window.cpu_us(role)


_RATIOS: Final[dict[str, tuple[_Side, _Side]]] = {
    "p50_vs_proxy_1": ((SDK, _p50), (PROXY, _p50)),
    "p50_vs_nats_1": ((SDK, _p50), (NATS, _p50)),
    "sdk_vs_proxy_64": ((SDK, _rate), (PROXY, _rate)),
    "broker_cpu_vs_proxy_64": ((SDK, _cpu("broker")), (PROXY, _cpu("proxy"))),
    "sdk_vs_nats_64": ((SDK, _rate), (NATS, _rate)),
    "sdk_vs_grpc_aio_64": ((SDK, _rate), (GRPC, _rate)),
    "sdk_vs_zerorpc_64": ((SDK, _rate), (ZERORPC, _rate)),
    "two_hosts_vs_one_64": ((TWO_HOSTS, _rate), (SDK, _rate)),
    "sdk_8_instances_vs_1_64": ((SDK_MANY, _rate), (SDK, _rate)),
    "sdk_vs_nats_8_64": ((SDK_MANY, _rate), (NATS_MANY, _rate)),
    "sdk_vs_proxy_256": ((SDK, _rate), (PROXY, _rate)),
    "broker_cpu_vs_proxy_256": ((SDK, _cpu("broker")), (PROXY, _cpu("proxy"))),
    "sdk_vs_nats_256": ((SDK, _rate), (NATS, _rate)),
    "sdk_vs_grpc_aio_256": ((SDK, _rate), (GRPC, _rate)),
}
"""What is divided by what; a name ends in the number in flight."""


def comparisons(rounds: Sequence[Round], in_flight: int) -> Iterator[Figure]:
    """The ratios at this number in flight, with their quartiles, as far as the rounds have their lanes."""
    for name, (above, below) in _RATIOS.items():
        if name.endswith(f"_{in_flight}") and {above[0], below[0]} <= rounds[0].keys():
            spread = ratios(rounds, above, below)
            yield Figure(GROUP, name, spread.median, "ratio")
            yield Figure(GROUP, f"{name}_low", spread.low, "ratio")
            yield Figure(GROUP, f"{name}_high", spread.high, "ratio")


def raw(rounds: Sequence[Round], in_flight: int) -> Iterator[Figure]:
    """What each lane did: requests a second, p50, p99, CPU of each role; medians over the rounds."""
    for lane, window in rounds[0].items():
        yield Figure(GROUP, f"{lane}_per_s_{in_flight}", typical(rounds, lane, _rate), "requests/s")
        yield Figure(GROUP, f"{lane}_p50_us_{in_flight}", typical(rounds, lane, _p50), "µs")
        yield Figure(GROUP, f"{lane}_p99_us_{in_flight}", typical(rounds, lane, _p99), "µs")
        for role in window.cpu_s:
            cpu_us = typical(rounds, lane, _cpu(role))
            yield Figure(GROUP, f"{lane}_{role}_cpu_us_{in_flight}", cpu_us, "CPU µs/request")
