"""What the switch counts: outcomes by code and a sketch of times, nothing more on a request's path."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from h2o_core.errors import Code
from h2o_core.histogram import Histogram

CODES: Final = len(Code)
_TELLING: Final = 20
"""Of fewer answers nothing is concluded."""
_GROWN: Final = 1.1
"""With so many more answers the sketch is read again: whoever hits a hung instance asks for each time-out."""


class FeatureCounter:
    """At the destination: one feature of one instance. `times` runs from hand-over to answer."""

    __slots__ = (
        "_declared_ns",
        "_measured_at",
        "_measured_ns",
        "last_error",
        "last_error_ns",
        "outcomes",
        "times",
        "types",
    )

    def __init__(self, types: int, upper95_ms: float = 0.0) -> None:
        """*upper95_ms*: what its author declares that 95 of 100 requests take at most; 0: nothing."""
        self.types = types
        self._declared_ns = upper95_ms * 1e6
        self._measured_ns = 0.0
        self._measured_at = 0
        self.outcomes = [0] * CODES
        self.times = Histogram()
        self.last_error = b""
        self.last_error_ns = 0

    def usual_ns(self) -> float:
        """What 95 of 100 requests take at most: as declared, else as measured here; 0: nothing is known."""
        if self._declared_ns:
            return self._declared_ns
        answered = self.times.count
        if answered >= max(_TELLING, self._measured_at * _GROWN):
            self._measured_at, self._measured_ns = answered, self.times.quantile(0.95)
        return self._measured_ns


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
