"""A fault round: its name, what it excuses, what it is to reach, and the figures that are printed of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, Goal

if TYPE_CHECKING:
    from bench.faults.result import Result
    from bench.faults.stage import Stage

GROUP: Final = "faults"
_UNIT: Final = re.compile(r"_(s|ms|mib)$")


@dataclass(frozen=True, slots=True)
class Round:
    """A fault: how it is made, what requests may fail with, and what ``recover_s`` is to reach."""

    name: str
    run: Callable[[Stage], Result]
    allowed: Collection[str] = frozenset()
    """Codes; empty: no request may fail."""
    goal: Goal | None = None
    more_goals: Mapping[str, Goal] = field(default_factory=dict[str, Goal])
    """What numbers of its own are to reach, by the end of their figure's name."""
    long: bool = False
    """Takes minutes: left out of ``--quick`` and of the everyday tests."""

    def verdict(self, result: Result) -> tuple[str, ...]:
        """All that must not be, one sentence each; empty when the round holds. Goals are another matter."""
        failures = {code: count for code, count in result.account.codes.items() if code != "OK"}
        forbidden = [
            f"{count} requests failed with {code}, which this fault does not excuse"
            for code, count in failures.items()
            if code not in self.allowed
        ]
        served = [] if result.account.codes.get("OK") else ["no request was served: nothing was tried"]
        return (*result.account.breaches, *forbidden, *served, *result.broken)

    def figures(self, result: Result) -> list[Figure]:
        """``<round>_recover_s``, ``_failed``, ``_requests``, ``_gap_s``, ``_code_<CODE>``, ``_broken``, and its own."""
        account = result.account
        found = [] if result.recover_s is None else [self._figure("recover_s", result.recover_s, self.goal)]
        found += [
            self._figure("failed", account.failed),
            self._figure("requests", account.requests),
            self._figure("gap_s", account.longest_gap_s),
            self._figure("broken", len(self.verdict(result))),
        ]
        found += [self._figure(f"code_{code}", count) for code, count in account.codes.items() if code != "OK"]
        return found + [self._figure(name, value, self.more_goals.get(name)) for name, value in result.extra.items()]

    def _figure(self, name: str, value: float, goal: Goal | None = None) -> Figure:
        unit = _UNIT.search(name)
        return Figure(GROUP, f"{self.name}_{name}", value, unit[1].replace("mib", "MiB") if unit else "", goal)
