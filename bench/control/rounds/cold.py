"""One of nine instances is killed and comes back as a new one, beside others that are not: its part in time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bench.control.round import Round, figure
from bench.control.trial import Trial
from bench.figures import Figure, Goal, Sense
from h2o_core.choice import NEW_FOR_NS

if TYPE_CHECKING:
    from bench.faults.stage import Stage

_WINDOW_S: Final = 5
_WINDOWS: Final = 8


def measure(stage: Stage, _quick: bool) -> list[Figure]:  # noqa: FBT001 - as Measure
    """``cold_most_part``: the largest of eight windows of five seconds, the last two after it has ceased to be new."""
    trial = Trial(stage)
    stage.pass_s(NEW_FOR_NS / 1e9 + 1, trial.clients)
    before = trial.instances("host-2")
    trial.fleet.kill_instance(before[0])

    def newcomers() -> list[str]:
        return [one for one in trial.instances("host-2") if one not in before]

    stage.wait(lambda: bool(newcomers()), "its agent has started another")
    (cold,) = newcomers()
    began_s = time.monotonic()
    windows = [trial.window(_WINDOW_S) for _ in range(_WINDOWS)]
    parts = [one.part(cold) for one in windows]
    stage.say(f"cold: {' '.join(f'{part:.2f}' for part in parts)} in {time.monotonic() - began_s:.0f} s")
    return [
        figure("cold_most_part", max(parts), goal=Goal(Sense.AT_MOST, 1.3)),
        figure("cold_first_part", parts[0]),
        figure("cold_last_part", parts[-1]),
        figure("cold_others_most_part", max(one.largest_part([cold]) for one in windows)),
    ]


ROUND: Final = Round("cold", measure, long=True)
