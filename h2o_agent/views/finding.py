"""One entry of `/health`'s checks, and what it does to the verdict. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

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
        if self.severity:
            entry["severity"] = self.severity
        return entry

    @property
    def weight(self) -> Verdict:
        """What it does to the verdict."""
        return self.verdict if self.counts_as is None else self.counts_as
