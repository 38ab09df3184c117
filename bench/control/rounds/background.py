"""Every instance fails one request in a hundred: none is ejected, and nobody's part changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from bench.control.behaviour import ALL, Behaviour
from bench.control.round import Round, figure
from bench.control.trial import Trial
from bench.figures import Figure, Goal, Sense

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_FAILING: Final = 0.01
_WINDOWS: Final = 10
"""Ten draws of which requests fail."""
_WINDOW_S: Final = 10


def measure(stage: Stage, quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``background_ejected``: instances taken out; parts are of a window each, the largest and of the whole."""
    trial = Trial(stage)
    trial.behave(**{ALL: Behaviour(failing=_FAILING)})
    windows = [trial.window(_WINDOW_S) for _ in range(1 if quick else _WINDOWS)]
    return [
        figure("background_ejected", trial.ejections(), goal=Goal(Sense.AT_MOST, 0)),
        figure("background_failed_pct", sum(one.failed_pct() for one in windows) / len(windows), "%"),
        figure("background_most_part", max(one.largest_part() for one in windows)),
    ]


ROUND: Final = Round("background", measure, long=True)
