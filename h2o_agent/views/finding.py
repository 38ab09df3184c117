"""One entry of `/health`'s checks, and what it does to the verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from h2o_agent.views.head import Json, moment


class Verdict(IntEnum):
    """Worse is greater. The numbers of the first three are those of a package's own checks."""

    PASS = 0
    WARN = 1
    FAIL = 2

    @property
    def word(self) -> str:
        """As the document has it."""
        return self.name.lower()


_PAGES: Final = ("answering", "crash_loop")
"""Of the checks that are built in, those that somebody is to be woken for; the others can wait for the morning."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One entry of `checks`. `counts_as`: what it does to the verdict, when that is less than its own."""

    check: str
    component: str
    kind: str
    verdict: Verdict
    observed: float | None
    unit: str
    time_s: float
    output: str = ""
    counts_as: Verdict | None = None
    severity: str = ""

    def entry(self) -> Json:
        """The JSON of it."""
        entry: Json = {
            "componentId": self.component,
            "componentType": self.kind,
            "status": self.verdict.word,
            "time": moment(self.time_s),
        }
        if self.observed is not None:
            entry["observedValue"] = self.observed
            entry["observedUnit"] = self.unit
        if self.output:
            entry["output"] = self.output
        entry["severity"] = self.urgency
        return entry

    @property
    def urgency(self) -> str:
        """PAGE, TICKET or NOTE."""
        return self.severity or ("PAGE" if self.check.rpartition(":")[2] in _PAGES else "TICKET")

    @property
    def weight(self) -> Verdict:
        """What it does to the verdict."""
        return self.verdict if self.counts_as is None else self.counts_as
