"""How loaded an instance looks from here: its latency, more for what waits, much more for what fails. Pure.

Load = L · e^(−Δ/10 s) · (pending + 1) / max(0.01, s)⁴. L is a peak EWMA of latency (Finagle, linkerd): a sample above
what is left of it replaces it, one below moves it by the time that passed. s is the decayed share of successes. An
instance that fails everything at once is the fastest of its pool: so no failure lowers L, and s weighs heavily.
"""

from __future__ import annotations

from math import exp
from statistics import median
from typing import TYPE_CHECKING, Final

from h2o_core.health import SIGNS, Sign

if TYPE_CHECKING:
    from collections.abc import Iterable

DECAY_NS: Final = 10_000_000_000
"""τ of both: after that long without news a sample weighs e times less."""
PRIOR: Final = 10.0
"""Successes that everybody is credited with: of few requests one may fail."""
EXPONENT: Final = 4
LEAST_SHARE: Final = 0.01
FORGOTTEN_AFTER_NS: Final = 5 * DECAY_NS
"""After that long without news nothing is known of an instance any more."""
LEAST_NS: Final = 1_000.0
"""Of two that are idle for ever none is to weigh nothing."""
UNMEASURED_NS: Final = 50_000_000.0
"""L of an instance of which nothing is known once it has something to do, or has failed: it is tried by one request
at a time. Otherwise one that hangs would be given thousands before the first of them times out."""
_SERVED: Final = frozenset(code.value for code, sign in SIGNS.items() if sign is Sign.WELL)
_FAILED: Final = frozenset(code.value for code, sign in SIGNS.items() if sign in {Sign.ILL, Sign.BUSY})


class Load:
    """One instance as one broker sees it. Reading changes nothing; times are monotonic ns."""

    __slots__ = ("_at_ns", "_failed", "_latency_ns", "_outcomes")

    def __init__(self, now: int, latency_ns: float = 0.0) -> None:
        """*latency_ns*: what is believed of it until it is measured, the median of its pool; 0: nothing is."""
        self._at_ns = now if latency_ns else now - FORGOTTEN_AFTER_NS
        self._latency_ns = latency_ns
        self._outcomes = 0.0
        self._failed = 0.0

    def learn(self, latency_ns: int, code: int, now: int) -> None:
        """A request ended as *code* *latency_ns* after it was sent there. What that says of it: `health.SIGNS`."""
        before = latency = self._latency_ns
        passed = now - self._at_ns
        left = 1.0
        if passed > 0:
            left = exp(-passed / DECAY_NS)
            self._at_ns = now
            latency *= left
            self._outcomes *= left
            if self._failed:
                # a thousandth of a failure changes nothing, and without any the share need not be worked out
                self._failed = self._failed * left if self._failed > 0.001 else 0.0
        if code in _SERVED:
            self._outcomes += 1.0
            if latency_ns < latency:
                self._latency_ns = latency + latency_ns * (1.0 - left)
                return
        elif code in _FAILED:
            self._outcomes += 1.0
            self._failed += 1.0
            # nothing was learnt of how long work takes: what was known does not fade by it
            latency = before if passed < FORGOTTEN_AFTER_NS else max(before, UNMEASURED_NS)
        # else it may have been slow, but it was never fast
        self._latency_ns = max(latency, latency_ns)

    def value(self, pending: int, now: int) -> float:
        """The load with *pending* requests there already, in ns: the time a further one may take. Never 0."""
        passed = now - self._at_ns
        left = exp(-passed / DECAY_NS) if passed > 0 else 1.0
        latency = self._latency_ns * left
        least = UNMEASURED_NS if pending and passed >= FORGOTTEN_AFTER_NS else LEAST_NS
        load = (max(least, latency)) * (pending + 1)
        if self._failed:
            share = 1.0 - self._failed * left / (PRIOR + self._outcomes * left)
            load /= max(LEAST_SHARE, share) ** EXPONENT
        return load

    def is_known(self, now: int) -> bool:
        """There has been news of it lately."""
        return now - self._at_ns < FORGOTTEN_AFTER_NS

    def latency_ns(self, now: int) -> float:
        """What is left of L."""
        return self._latency_ns * (exp((self._at_ns - now) / DECAY_NS) if now > self._at_ns else 1.0)

    def share(self, now: int) -> float:
        """s, in (0, 1]."""
        left = exp((self._at_ns - now) / DECAY_NS) if now > self._at_ns else 1.0
        return 1.0 - self._failed * left / (PRIOR + self._outcomes * left)


def median_latency_ns(loads: Iterable[Load], now: int) -> float:
    """What to believe of a new instance of their pool; 0 when nothing is known of any."""
    known = [load.latency_ns(now) for load in loads if load.is_known(now)]
    return median(known) if known else 0.0
