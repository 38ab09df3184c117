"""What the chaos round does and when: derived from its seed alone, so that a run can be repeated. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

MEAN_GAP_S: Final = 2.5
LONGEST_STOP_S: Final = 9.0
_BROKER_SHARE: Final = 0.2
_KILL_SHARE: Final = 0.5
_LONG_STOP_SHARE: Final = 0.1
_SHORT_STOP_S: Final = 4.0
"""Shorter than a session of ZooKeeper (6 s); one stop in ten is longer, and costs a broker its session."""
_LEAST_STOP_S: Final = 0.2
_RESOLUTION: Final = 3


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """The broker of a host (`package` is ""), or the *at*-th of its instances of a package."""

    host: str
    package: str = ""
    at: int = 0

    def __str__(self) -> str:
        return f"{self.package[1:] or 'broker'}{f' {self.at + 1}' if self.package else ''} on {self.host}"


class Act(StrEnum):
    """What is sent."""

    KILL = "SIGKILL"
    STOP = "SIGSTOP"
    CONTINUE = "SIGCONT"


@dataclass(frozen=True, slots=True)
class Strike:
    """A signal at a time after the beginning. CONTINUE goes to the very process that STOP of the same `number` met."""

    at_s: float
    act: Act
    target: Target
    number: int


def plan_strikes(seed: int, seconds: float, targets: Sequence[Target]) -> tuple[Strike, ...]:
    """Strikes for *seconds*, in order of time; each STOP has its CONTINUE, at most LONGEST_STOP_S later.

    A target that is stopped is left alone until it is continued.
    """
    dice = Random(seed)
    ranked = sorted(targets)
    brokers = [target for target in ranked if not target.package]
    instances = [target for target in ranked if target.package]
    busy_until_s: dict[Target, float] = {}
    found: list[Strike] = []
    at_s, number = 0.0, 0
    while (at_s := round(at_s + dice.uniform(0.2, 2 * MEAN_GAP_S - 0.2), _RESOLUTION)) < seconds:
        target = dice.choice(brokers if brokers and (not instances or dice.random() < _BROKER_SHARE) else instances)
        kill = dice.random() < _KILL_SHARE
        longest_s = LONGEST_STOP_S if dice.random() < _LONG_STOP_SHARE else _SHORT_STOP_S
        end_s = round(at_s + dice.uniform(_LEAST_STOP_S, longest_s), _RESOLUTION)
        if busy_until_s.get(target, 0.0) >= at_s:
            continue
        number += 1
        found.append(Strike(at_s, Act.KILL if kill else Act.STOP, target, number))
        if not kill:
            busy_until_s[target] = end_s
            found.append(Strike(end_s, Act.CONTINUE, target, number))
    return tuple(sorted(found, key=lambda one: (one.at_s, one.number)))
