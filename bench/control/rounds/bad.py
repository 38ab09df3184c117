"""One of nine instances begins to fail everything in 1 ms: how much of all it gets once two seconds have passed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.control.behaviour import Behaviour
from bench.control.round import Round, figure
from bench.control.trial import Trial
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_CALM_S: Final = 5
_FOUND_WITHIN_S: Final = 2
_BAD_S: Final = 10


def measure(stage: Stage, _quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``bad_instance_share_pct``: requests that it got, of all; ``…_at_first``: in the two seconds before."""
    trial = Trial(stage)
    trial.window(_CALM_S)
    victim = trial.instances("host-1")[0]
    trial.behave(**{victim: Behaviour(failing=1.0)})
    first = trial.window(_FOUND_WITHIN_S)
    later = trial.window(_BAD_S)
    return [
        figure("bad_instance_share_pct", 100 * later.of(victim) / later.requests, "%", Goal(Sense.AT_MOST, 0.5)),
        figure("bad_instance_share_pct_at_first", 100 * first.of(victim) / first.requests, "%"),
        figure("bad_ejections", trial.ejections()),
    ]


ROUND: Final = Round("bad", measure)
