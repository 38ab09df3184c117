"""Who may change something from this console, and for how long: read-only until armed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_console.acting.request import with_incident
from h2o_core.audit import Author

if TYPE_CHECKING:
    from h2o_core.context import Context

ARMED_S: Final = 900.0
"""So long a console stays armed; never shorter than the plan that is open."""


@dataclass(slots=True)
class Changing:
    """One person at one fleet. `actor` as the audit knows them, ``ada@desk``; `armed_until_s`: monotonic, None: not.

    `incident`: stands in every reason, "" for none. `plan_open`: a plan is on the screen; nothing lapses under it.
    """

    context: Context
    actor: str
    origin: str
    incident: str = ""
    armed_until_s: float | None = None
    plan_open: bool = False

    def armed(self, now_s: float) -> bool:
        """May something be changed? Asked now and then, it also lapses."""
        if self.armed_until_s is not None and now_s >= self.armed_until_s and not self.plan_open:
            self.armed_until_s = None
        return self.armed_until_s is not None

    def left_s(self, now_s: float) -> float:
        """How long it stays armed; 0.0 when it isn't, or only while the plan is open."""
        return max((self.armed_until_s or 0.0) - now_s, 0.0)

    def arm(self, now_s: float) -> None:
        """For a quarter of an hour from now."""
        self.armed_until_s = now_s + ARMED_S

    def disarm(self) -> None:
        """Read-only again."""
        self.armed_until_s = None

    def author(self, reason: str) -> Author:
        """Who decides, and why."""
        return Author(self.actor, self.origin, with_incident(reason, self.incident))
