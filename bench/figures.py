"""Figures, the goals they are held against, and how they are printed. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import ge, le, lt
from typing import Final


class Sense(StrEnum):
    """Which side of its goal a figure has to be on."""

    AT_LEAST = "≥"
    AT_MOST = "≤"
    BELOW = "<"


_HOLDS: Final[dict[Sense, Callable[[float, float], bool]]] = {Sense.AT_LEAST: ge, Sense.AT_MOST: le, Sense.BELOW: lt}


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is to reach."""

    sense: Sense
    limit: float

    def holds(self, value: float) -> bool:
        """Is *value* on the right side?"""
        return _HOLDS[self.sense](value, self.limit)

    def __str__(self) -> str:
        return f"{self.sense} {self.limit:g}"


GOALS: Final[dict[str, Goal]] = {
    "sdk_vs_proxy_64": Goal(Sense.AT_LEAST, 0.75),
    "broker_cpu_vs_proxy_64": Goal(Sense.AT_MOST, 3),
    "sdk_vs_nats_64": Goal(Sense.AT_LEAST, 1.3),
    "sdk_vs_nats_256": Goal(Sense.AT_LEAST, 1.5),
    "sdk_vs_grpc_aio_64": Goal(Sense.AT_LEAST, 10),
    "two_hosts_vs_one_64": Goal(Sense.AT_LEAST, 0.35),
    "broker_rss_growth_mib": Goal(Sense.AT_MOST, 8),
    "p50_vs_nats_1": Goal(Sense.AT_MOST, 1.15),
    "list_200_ms": Goal(Sense.BELOW, 200),
    "first_screen_s": Goal(Sense.BELOW, 2),
    "cpu_ui_pct": Goal(Sense.BELOW, 3),
    "cpu_all_pct": Goal(Sense.BELOW, 15),
    "idle_pct": Goal(Sense.BELOW, 1),
    "key_p95_ms": Goal(Sense.BELOW, 50),
    "quiet_bytes_per_s": Goal(Sense.BELOW, 5000),
    "list_5000_ms": Goal(Sense.BELOW, 400),
    "completion_ms": Goal(Sense.BELOW, 100),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. It has a goal when its name is one of GOALS, or by its own `aim`."""

    group: str
    name: str
    value: float
    unit: str
    aim: Goal | None = None

    @property
    def shown(self) -> float:
        """The value in four significant digits, which is more than a shared machine can repeat.

        Goals are held against this one, so that what is printed and the verdict beside it agree.
        """
        return float(f"{self.value:.4g}")

    @property
    def goal(self) -> Goal | None:
        """What it is to reach; None for a raw figure."""
        return self.aim or GOALS.get(self.name)

    @property
    def holds(self) -> bool | None:
        """Is the goal reached? None without a goal."""
        return None if self.goal is None else self.goal.holds(self.shown)

    def to_json(self) -> str:
        """One line: group, name, value, unit, goal (the number alone), holds."""
        goal = None if self.goal is None else self.goal.limit
        line = {"group": self.group, "name": self.name, "value": self.shown, "unit": self.unit}
        return json.dumps({**line, "goal": goal, "holds": self.holds})


def table(figures: Sequence[Figure]) -> str:
    """For people: figures with goals first, then the raw ones."""
    ranked = sorted(figures, key=lambda figure: figure.goal is None)
    rows = [(f.group, f.name, _digits(f.shown), f.unit, _goal_cell(f)) for f in ranked]
    return "\n".join(_lines([("GROUP", "NAME", "VALUE", "UNIT", "GOAL"), *rows]))


def _goal_cell(figure: Figure) -> str:
    if figure.goal is None:
        return ""
    return f"{figure.goal}  {'holds' if figure.holds else 'MISSED'}"


def _digits(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


_VALUE_COLUMN: Final = 2


def _lines(rows: Sequence[tuple[str, ...]]) -> Iterable[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if at == _VALUE_COLUMN else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
