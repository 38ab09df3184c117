"""Group ``judging``: how often an experiment is wrong, and how soon right: seeded chance, looked at all the time.

No fleet: what brokers would have counted is made of chance, and judged as `h2o experiment status` judges it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from random import Random
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, Goal, Sense
from h2o_core.control.traffic import WHOLE
from h2o_core.errors import Code
from h2o_core.experiment.arms import Arm, Counted, Part, Stage
from h2o_core.experiment.judging import ERRORS_ALPHA, OTHERS_ALPHA, Verdict, judge
from h2o_core.experiment.looks import HORIZON

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROUP: Final = "judging"
_ROUNDS: Final = 400
_QUICK_ROUNDS: Final = 40
_STEP: Final = 20
_GROWTH: Final = 0.02
"""A look after each 20 requests of the new version, and after each fiftieth more: nearly all the time, for limits
that are of its growth."""
_POINT: Final = 0.01
_FALSE_ALARMS: Final = Goal(Sense.AT_MOST, 100 * (ERRORS_ALPHA + OTHERS_ALPHA))
_OLD, _NEW = "1.0.0", "2.0.0"
_PLANNED: Final = 2425
"""Of the new version at 10:90, 1 % → 2 %."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Errors of the two versions, the new one's part of the requests, and how many it gets at the most."""

    name: str
    usual: float
    new: float
    parts: int
    size: int


FALSE: Final = tuple(
    Trial(f"{usual * 100:g}pct_at_{parts // 100}pct", usual, usual, parts, HORIZON)
    for parts in (1000, 5000)
    for usual in (0.001, 0.01, 0.05, 0.3)
)
TRUE: Final = (
    Trial("five_points_120", 0.01, 0.06, 1000, 120),
    Trial("five_points_300", 0.01, 0.06, 1000, 300),
    Trial("five_points_300_at_5pct", 0.01, 0.06, 500, 300),
    Trial("five_points_300_at_50pct", 0.01, 0.06, 5000, 300),
    Trial("twice_the_errors_planned", 0.01, 0.02, 1000, _PLANNED + _STEP),
)


def run(_directory: Path, quick: bool, say: Callable[[str], None]) -> list[Figure]:  # noqa: FBT001 - as bench's Run
    """Shares of seeded experiments, in per cent."""
    rounds = _QUICK_ROUNDS if quick else _ROUNDS
    figures: list[Figure] = []
    alarms: list[float] = []
    for trial in (*FALSE, *TRUE):
        say(f"{trial.name}: {rounds} experiments of {trial.size:,} requests of the new version")
        told = [_told(trial, Random(f"{trial.name}-{seed}")) for seed in range(rounds)]
        worse, better, invalid = (100 * sum(each[at] for each in told) / rounds for at in range(3))
        if trial.usual == trial.new:
            alarms.append(worse)
            figures.append(Figure(GROUP, f"called_worse_{trial.name}", worse, "%"))
            figures.append(Figure(GROUP, f"called_better_{trial.name}", better, "%"))
            figures.append(Figure(GROUP, f"called_invalid_{trial.name}", invalid, "%"))
        else:
            figures.append(Figure(GROUP, f"told_{trial.name}", worse, "%"))
    return [Figure(GROUP, "called_worse", sum(alarms) / len(alarms), "%", _FALSE_ALARMS), *figures]


def _told(trial: Trial, dice: Random) -> tuple[bool, bool, bool]:
    """(ever worse, ever better, ever invalid)."""
    stage = Stage("bench", "s", _OLD, ((_OLD, WHOLE - trial.parts), (_NEW, trial.parts)))
    share = trial.parts / WHOLE
    requests, errors, application = [0, 0], [0, 0], [0, 0]
    worse = better = invalid = False
    while requests[1] < trial.size:
        whole = round(max(_STEP, requests[1] * _GROWTH) / share)
        new = min(binomial(dice, whole, share), trial.size - requests[1])
        for at, count, failing in ((0, whole - new, trial.usual), (1, new, trial.new)):
            requests[at] += count
            errors[at] += binomial(dice, count, failing)
            application[at] += binomial(dice, count, trial.usual)
        arms = {
            version: Arm(random=_part(requests[at], errors[at], application[at]))
            for at, version in enumerate((_OLD, _NEW))
        }
        judged = judge(Counted("/service/bench", stage, 0.0, arms), _POINT, 1.0)
        one = judged.versions[0]
        said = {one.errors.verdict, one.application.verdict}
        worse, better = worse or Verdict.WORSE in said, better or Verdict.BETTER in said
        invalid = invalid or judged.ratio.invalid
        if worse and trial.usual != trial.new:
            break
    return worse, better, invalid


def _part(requests: int, errors: int, application: int) -> Part:
    return Part(
        requests,
        0,
        {Code.OK: max(0, requests - errors - application), Code.INTERNAL: errors, Code.APPLICATION: application},
    )


def binomial(dice: Random, n: int, p: float) -> int:
    """Successes among *n*: from one to the next the distance is geometric, so rare ones cost little."""
    if p > 0.5:
        return n - binomial(dice, n, 1 - p)
    if p <= 0:
        return 0
    found, at, scale = 0, 0, log(1 - p)
    while True:
        at += int(log(1 - dice.random()) / scale) + 1
        if at > n:
            return found
        found += 1
