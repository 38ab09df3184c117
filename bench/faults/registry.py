"""Every fault round there is, one line each."""

from __future__ import annotations

from typing import Final

from bench.faults import brokers, instances
from bench.faults.round import Round
from bench.figures import Goal, Sense

_UNKNOWN: Final = {"OUTCOME_UNKNOWN"}
_GONE: Final = {"OUTCOME_UNKNOWN", "UNAVAILABLE", "NO_ROUTE", "NOT_FOUND"}

ROUNDS: Final = (
    Round("instance_killed_idle", instances.killed_idle, goal=Goal(Sense.BELOW, 1)),
    Round("broker_killed", brokers.killed, allowed=_GONE, goal=Goal(Sense.BELOW, 2)),
)
