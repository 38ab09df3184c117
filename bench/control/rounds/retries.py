"""Every instance fails everything, at 200 requests/s of an idempotent feature: what retries add to that load."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.control.behaviour import ALL, Behaviour
from bench.control.round import Round, figure
from bench.control.trial import WORK, Trial
from bench.faults.stage import report
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_RATE: Final = 200
_CALM_S: Final = 5
_FAILING_S: Final = 20
_MOST: Final = 1.25
"""20 % and 3/s of 200/s are 1.215; the rest is the second's earnings that are saved, over this window."""


def measure(stage: Stage, _quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``retry_load_factor``: what instances executed ÷ what one origin's client asked for."""
    trial = Trial(stage, rate=_RATE, origins=1)
    trial.window(_CALM_S)
    trial.behave(**{ALL: Behaviour(failing=1.0)})
    executed, asked = trial.outcomes(), _asked(trial)
    time.sleep(_FAILING_S)
    executed, offered = trial.outcomes() - executed, _asked(trial) - asked
    return [
        figure("retry_load_factor", executed.total() / max(1, offered), goal=Goal(Sense.AT_MOST, _MOST)),
        figure("retry_offered_per_s", offered / _FAILING_S, "/s"),
    ]


def _asked(trial: Trial) -> int:
    """Requests that have ended for their callers, each once."""
    return sum(
        outcome.count
        for host in trial.fleet.hosts
        for caller in report(trial.fleet, host).callers
        if caller.feature == WORK
        for outcome in caller.outcomes
    )


ROUND: Final = Round("retries", measure, long=True)
