"""From windows of load to figures: quantiles of latencies, medians of the rounds' ratios. Pure.

A round is one window on each lane, one right after the other. Single windows drift by 15–25 % on a
shared machine, but neighbours drift together: so a comparison is the median of the rounds' ratios,
never the ratio of two medians.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Window:
    """One closed loop of load: what came back within *elapsed_s*, and what it cost whom.

    ``cpu_s`` is CPU time by role ("client", "broker", "worker" …) over the same span, ``others`` the share of
    the whole machine (0…1) that everybody else used, None where that can't be read.
    """

    requests: int
    elapsed_s: float
    p50_us: float
    p99_us: float
    cpu_s: dict[str, float]
    others: float | None = None

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return self.requests / self.elapsed_s

    def cpu_us(self, role: str) -> float:
        """CPU microseconds that *role* spent on a request."""
        return self.cpu_s[role] * 1e6 / self.requests


Round: TypeAlias = dict[str, Window]
"""One window a lane, measured one after the other."""

Measure: TypeAlias = Callable[[Window], float]


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and how far the rounds lay apart (lower and upper quartile)."""

    median: float
    low: float
    high: float


def quantile(ascending: Sequence[float], q: float) -> float:
    """Nearest-rank quantile of values in ascending order: the smallest with at least *q* of them at or below it.

    Raises ValueError without values or outside 0 < q <= 1.
    """
    if not ascending:
        msg = "no values, no quantile"
        raise ValueError(msg)
    if not 0 < q <= 1:
        msg = f"a quantile lies in (0, 1], not at {q}"
        raise ValueError(msg)
    return ascending[ceil(q * len(ascending)) - 1]


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; raises ValueError without values."""
    ascending = sorted(values)
    low, high = quantile(ascending, 0.25), quantile(ascending, 0.75)
    return Spread(median(ascending), low, high)


def ratios(rounds: Sequence[Round], above: tuple[str, Measure], below: tuple[str, Measure]) -> Spread:
    """Spread of the rounds' own ratios: *above*'s measure on its lane divided by *below*'s on its lane."""
    (lane, measure), (other_lane, other_measure) = above, below
    return spread([measure(one[lane]) / other_measure(one[other_lane]) for one in rounds])


def disturbance(rounds: Sequence[Round]) -> float | None:
    """Median share of the machine that everybody else used; None where no window knows."""
    known = [window.others for one in rounds for window in one.values() if window.others is not None]
    return median(known) if known else None


def typical(rounds: Sequence[Round], lane: str, measure: Measure) -> float:
    """Median over the rounds of one lane's measure."""
    return median(measure(one[lane]) for one in rounds)
