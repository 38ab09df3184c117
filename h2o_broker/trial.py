"""Counting by version while a package has an experiment: what its requests from this host came to. Pure.

Which requests: those whose version was drawn by key or dice, or that carry it. Not those that a rule sends somewhere,
nor those whose version had no instance. The pool has a trial from the document on that begins it; a request gets its
account when its version is chosen, so packages without an experiment are not asked whether they have one when they end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_broker.telemetry import CODES
from h2o_core.assignment import How
from h2o_core.errors import ERRORS, Code
from h2o_core.experiment.clusters import GROUPS, group_of
from h2o_core.histogram import Histogram, bucket_of

if TYPE_CHECKING:
    from h2o_broker.telemetry import CallerCounter
    from h2o_core.assignment import Assigned
    from h2o_core.experiment.arms import Stage

_ENDS_IN_ERROR: Final = tuple(code in ERRORS for code in Code)
_APPLICATION: Final = Code.APPLICATION.value


class Tally:
    """Requests of one version, all with a sticky key or all without; see `h2o_core.experiment.arms.Part`."""

    __slots__ = ("application", "assigned", "carried", "ended", "errors", "outcomes", "starts", "ticks", "times")

    def __init__(self) -> None:
        self.assigned = 0
        self.carried = 0
        self.outcomes = [0] * CODES
        self.times = Histogram()
        self.starts = [0] * GROUPS
        """Assigned, by group of keys; and so on."""
        self.ended = [0] * GROUPS
        self.errors = [0] * GROUPS
        self.application = [0] * GROUPS
        self.ticks = [0] * GROUPS

    def count(self, code: int, took_ns: int) -> None:
        """One without a key has ended."""
        self.outcomes[code] += 1
        self.times.record(took_ns)

    def count_in(self, group: int, code: int, took_ns: int) -> None:
        """One with a key has."""
        self.count(code, took_ns)
        self.ended[group] += 1
        self.errors[group] += _ENDS_IN_ERROR[code]
        self.application[group] += code == _APPLICATION
        self.ticks[group] += bucket_of(took_ns)


class TrialAccount:
    """Counts one request of an experiment under its caller, and under its version as well."""

    __slots__ = ("_counter", "_group", "_tally")

    def __init__(self, counter: CallerCounter, tally: Tally, group: int) -> None:
        """*group* is its key's, -1 without one."""
        self._counter = counter
        self._tally = tally
        self._group = group

    def count(self, code: int, took_ns: int) -> None:
        """It has ended."""
        self._counter.count(code, took_ns)
        if self._group < 0:
            self._tally.count(code, took_ns)
        else:
            self._tally.count_in(self._group, code, took_ns)


class Trial:
    """One stage of an experiment, as this broker counts it. `arms`: version → (with a sticky key, without)."""

    __slots__ = ("arms", "broken", "by_rule", "since_ns", "stage")

    def __init__(self, stage: Stage, now: int) -> None:
        """*now* is monotonic ns."""
        self.stage = stage
        self.since_ns = now
        self.arms = {version: (Tally(), Tally()) for version, _ in stage.weights}
        self.by_rule = 0
        self.broken = 0

    def account(
        self, counter: CallerCounter, assigned: Assigned, key: bytes, *, again: bool
    ) -> CallerCounter | TrialAccount:
        """What a request with that version counts in; *again*: it had another before, which lost its last instance."""
        arm = self.arms.get(assigned.version)
        if assigned.broken or assigned.how is How.RULE or arm is None:
            self.by_rule += assigned.how is How.RULE
            self.broken += assigned.broken and assigned.how is not How.RULE
            return counter
        tally, group = (arm[0], group_of(key)) if key else (arm[1], -1)
        if assigned.how is How.CARRIED or again:
            tally.carried += 1
        else:
            tally.assigned += 1
            if key:
                tally.starts[group] += 1
        return TrialAccount(counter, tally, group)


def continued(trial: Trial | None, stage: Stage | None, now: int) -> Trial | None:
    """The trial of a document with that *stage*: the one that runs, if it is of the same, else a new one or none."""
    if trial is not None and trial.stage == stage:
        return trial
    return None if stage is None else Trial(stage, now)
