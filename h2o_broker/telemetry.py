"""What the switch counts: outcomes by code and a sketch of times, nothing more on a request's path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from h2o_core.errors import Code
from h2o_core.histogram import Histogram

CODES: Final = len(Code)


class FeatureCounter:
    """At the destination: one feature of one instance. `times` runs from hand-over to answer."""

    __slots__ = ("last_error", "last_error_ns", "outcomes", "times", "types")

    def __init__(self, types: int) -> None:
        self.types = types
        self.outcomes = [0] * CODES
        self.times = Histogram()
        self.last_error = b""
        self.last_error_ns = 0


class CallerCounter:
    """At the origin: one feature as one calling package saw it. `times` includes all of the way."""

    __slots__ = ("outcomes", "times")

    def __init__(self) -> None:
        self.outcomes = [0] * CODES
        self.times = Histogram()

    def count(self, code: int, took_ns: int) -> None:
        """One request has ended."""
        self.outcomes[code] += 1
        self.times.record(took_ns)


@dataclass(slots=True)
class Oddities:
    """Things that should not happen, by name; each is reported and none stops the broker."""

    counts: dict[str, int] = field(default_factory=dict[str, int])

    def count(self, what: str) -> None:
        """One more of *what*."""
        self.counts[what] = self.counts.get(what, 0) + 1
