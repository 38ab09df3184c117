"""What was counted within about the last minute, from counts that only grow. Time is an argument. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code

if TYPE_CHECKING:
    from h2o_agent.metrics.totals import Asked, Counts, Questions, Served, Totals
    from h2o_core.histogram import Histogram
    from h2o_core.pb.stats_pb2 import BrokerReport

WINDOW_S: Final = 60.0
_MARK_S: Final = 10.0
"""Counts are kept so often: a copy of all of them takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last *over_s* seconds: how long what was served took, and how often callers got no slot."""

    over_s: float
    measured: Mapping[Served, Histogram]
    refused: Mapping[Asked, int]


@dataclass(frozen=True, slots=True)
class _Mark:
    at_s: float
    served: Counts
    asked: Questions


class Recent:
    """Tell it each report with `heard`, after the totals; `window` is None until there are two to compare."""

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._marks: deque[_Mark] = deque()
        self.window: Window | None = None

    def heard(self, report: BrokerReport, now_s: float) -> None:
        """The broker has said this; *now_s* is monotonic."""
        marks = self._marks
        if marks and now_s - marks[-1].at_s < _MARK_S:
            return
        marks.append(_Mark(now_s, self._totals.served(report), self._totals.asked(report)))
        while len(marks) > 1 and now_s - marks[1].at_s >= WINDOW_S:
            marks.popleft()
        if len(marks) > 1:
            self.window = _between(marks[0], marks[-1])


def _between(earlier: _Mark, later: _Mark) -> Window:
    measured = {key: count.times for key, count in later.served.items() if count.times.count}
    for key in measured.keys() & earlier.served.keys():
        try:
            measured[key] = measured[key].since(earlier.served[key].times)
        except ValueError:  # it was forgotten in between
            del measured[key]
    refused: dict[Asked, int] = {}
    for key, count in later.asked.items():
        before = earlier.asked[key].outcomes.get(Code.OVERLOADED, 0) if key in earlier.asked else 0
        if (more := count.outcomes.get(Code.OVERLOADED, 0) - before) > 0:
            refused[key] = more
    return Window(later.at_s - earlier.at_s, measured, refused)
