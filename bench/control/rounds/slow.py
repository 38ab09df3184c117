"""One of nine instances becomes ten times slower: which part of the requests it still gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.control.behaviour import Behaviour
from bench.control.round import Round, figure
from bench.control.trial import Trial
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_SLOWER: Final = 10
_CALM_S: Final = 5
_SLOW_S: Final = 15


def measure(stage: Stage, _quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``slow_part``: as a multiple of an equal part, from the moment it is slow."""
    trial = Trial(stage)
    calm = trial.window(_CALM_S)
    victim = trial.instances("host-1")[0]
    trial.behave(**{victim: Behaviour(slower=_SLOWER)})
    slow = trial.window(_SLOW_S)
    return [
        figure("slow_part", slow.part(victim), goal=Goal(Sense.BELOW, 0.3)),
        figure("slow_others_most_part", slow.largest_part([victim])),
        figure("calm_most_part", calm.largest_part()),
    ]


ROUND: Final = Round("slow", measure)
