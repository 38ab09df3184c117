"""A round of group control: its name, how it is measured, and how its figures are named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from bench.figures import Figure, Goal

if TYPE_CHECKING:
    from bench.faults.stage import Stage

GROUP: Final = "control"

Measure: TypeAlias = "Callable[[Stage, bool], list[Figure]]"
"""(where it plays, quick) → figures; raises BenchError."""


@dataclass(frozen=True, slots=True)
class Round:
    """What a module of `bench.control.rounds` has as its ``ROUND``."""

    name: str
    measure: Measure
    long: bool = False
    """Takes more than half a minute: left out of ``--quick``, unless it is named."""


def figure(name: str, value: float, unit: str = "", goal: Goal | None = None) -> Figure:
    """One of this group."""
    return Figure(GROUP, name, value, unit, goal)
