"""What was counted within about the last minute, from counts that only grow. Time is an argument. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from h2o_agent.metrics.totals import Count
from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from h2o_agent.metrics.totals import Asked, Counts, Questions, Served, Totals
    from h2o_core.histogram import Histogram
    from h2o_core.pb.stats_pb2 import BrokerReport

WINDOW_S: Final = 60.0
Key = TypeVar("Key")
_MARK_S: Final = 10.0
"""Counts are kept so often: a copy of all of them takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Window:
    """The last *over_s* seconds: how long what was served took, how often callers got no slot, or broke a tier rule.

    `served` and `asked`: outcomes by code, at the destination and at the origin.
    """

    over_s: float
    measured: Mapping[Served, Histogram]
    refused: Mapping[Asked, int]
    breaches: Mapping[Asked, int] = field(default_factory=dict["Asked", int])
    served: Mapping[Served, Mapping[int, int]] = field(default_factory=dict["Served", "Mapping[int, int]"])
    asked: Mapping[Asked, Mapping[int, int]] = field(default_factory=dict["Asked", "Mapping[int, int]"])


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
    refused = _more(earlier.asked, later.asked, lambda count: count.outcomes.get(Code.OVERLOADED, 0))
    breaches = _more(earlier.asked, later.asked, lambda count: count.breaches)
    served, asked = _outcomes(earlier.served, later.served), _outcomes(earlier.asked, later.asked)
    return Window(later.at_s - earlier.at_s, measured, refused, breaches, served, asked)


def _outcomes(earlier: Mapping[Key, Count], later: Mapping[Key, Count]) -> dict[Key, dict[int, int]]:
    """What there is more, of what there is more of; what was forgotten in between is left out."""
    found: dict[Key, dict[int, int]] = {}
    for key, count in later.items():
        before: Mapping[int, int] = earlier[key].outcomes if key in earlier else dict[int, int]()
        more = {code: number - before.get(code, 0) for code, number in count.outcomes.items()}
        if any(more.values()) and min(more.values()) >= 0:
            found[key] = {code: number for code, number in more.items() if number}
    return found


def _more(earlier: Questions, later: Questions, of: Callable[[Count], int]) -> dict[Asked, int]:
    """How much *of* each there is more, where there is."""
    none = Count()
    more = {key: of(count) - of(earlier.get(key, none)) for key, count in later.items()}
    return {key: count for key, count in more.items() if count > 0}
