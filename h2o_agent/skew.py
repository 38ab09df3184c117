"""How far this host's clock is ahead of the register's, from the stamps that ZooKeeper gives to writes. Pure.

A write is stamped between its sending and its answer, so half of that time bounds the error. Between two
writes the estimate follows this host's own clock when somebody sets it (Unix time against monotonic time).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MOST_ROUND_TRIP_S: Final = 1.0
"""A slower one tells too little."""
LIFE_S: Final = 2 * 3600.0
"""Two clocks that nobody disciplines part by up to half a second in this time; older estimates are none."""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """This host's two clocks at one moment."""

    unix_s: float
    monotonic_s: float


@dataclass(frozen=True, slots=True)
class Skew:
    """An estimate and when it was made. `ahead_s` is wrong by `bound_s` at most."""

    ahead_s: float
    bound_s: float
    at: ClockReading

    def now_s(self, clock: ClockReading) -> float | None:
        """How far ahead this host's clock is now; None: the estimate is too old."""
        passed_s = clock.monotonic_s - self.at.monotonic_s
        if passed_s > LIFE_S:
            return None
        return self.ahead_s + (clock.unix_s - self.at.unix_s) - passed_s

    def register_s(self, clock: ClockReading) -> float | None:
        """The register's Unix time now, at the earliest; None: the estimate is too old."""
        ahead_s = self.now_s(clock)
        return None if ahead_s is None else clock.unix_s - ahead_s - self.bound_s


def estimate(sent: ClockReading, answered: ClockReading, stamp_s: float) -> Skew | None:
    """From one write; None when it took too long, or has no stamp (Unix seconds, 0: none)."""
    round_trip_s = answered.monotonic_s - sent.monotonic_s
    if stamp_s <= 0 or not 0 <= round_trip_s <= MOST_ROUND_TRIP_S:
        return None
    middle_s = sent.unix_s + round_trip_s / 2
    return Skew(middle_s - stamp_s, round_trip_s / 2, answered)
