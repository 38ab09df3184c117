"""What a choice costs: among 100 instances on 20 hosts, in one process, without anything else."""

from __future__ import annotations

import random
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from bench.control.round import Round, figure
from bench.figures import Figure, Goal, Sense
from h2o_core.choice import ELSEWHERE, NEW_FOR_NS, OWN_HOST, OWN_ZONE, Candidates, chances, choose
from h2o_core.errors import Code
from h2o_core.load import Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.faults.stage import Stage

_HOSTS: Final = 20
_ZONES: Final = 3
_INSTANCES: Final = 100
_NOW: Final = 10 * NEW_FOR_NS
_CHOICES: Final = 20_000
_TIMES: Final = 7


class _Instance:
    __slots__ = ("load", "pending", "place", "since_ns")

    def __init__(self, number: int, dice: random.Random, *, new: bool) -> None:
        host = number % _HOSTS
        self.place = OWN_HOST if host == 0 else OWN_ZONE if host % _ZONES == 0 else ELSEWHERE
        self.pending = dice.randrange(4)
        self.since_ns = _NOW - (NEW_FOR_NS // 2 if new else 2 * NEW_FOR_NS)
        self.load = Load(_NOW)
        for _ in range(20):
            code = Code.INTERNAL if dice.random() < 0.01 else Code.OK
            self.load.learn(dice.randrange(10_000_000, 30_000_000), code, _NOW)


def _pool(*, new: int) -> Candidates[_Instance]:
    dice = random.Random(1)
    return Candidates(_Instance(number, dice, new=number < new) for number in range(_INSTANCES))


def _us(call: Callable[[], object], calls: int) -> float:
    """Median of some runs, µs of CPU time a call: others on this machine are no part of it."""
    found: list[float] = []
    for _ in range(_TIMES):
        started_s = time.thread_time()
        for _ in range(calls):
            call()
        found.append((time.thread_time() - started_s) / calls * 1e6)
    return median(found)


def measure(_stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``choose_us``: nobody is new; ``choose_new_us``: a tenth are; ``chances_us``: all odds, as `h2o why` asks."""
    calls = _CHOICES // 10 if quick else _CHOICES
    dice = random.Random(2).random
    settled, renewed = _pool(new=0), _pool(new=_INSTANCES // 10)
    return [
        figure("choose_us", _us(lambda: choose(settled, _NOW, dice), calls), "µs", Goal(Sense.AT_MOST, 15)),
        figure("choose_new_us", _us(lambda: choose(renewed, _NOW, dice), calls), "µs", Goal(Sense.AT_MOST, 15)),
        figure("chances_us", _us(lambda: chances(renewed, _NOW), calls // 100), "µs"),
    ]


ROUND: Final = Round("choose", measure)
