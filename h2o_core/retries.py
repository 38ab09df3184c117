"""Which failed requests are tried once more, and out of which budget.

A retry is the origin broker's, at most one a request, on another instance and inside the one deadline. A refusal
by a destination is no failure: the free re-route after it (docs/wire.md) is not counted here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code, Executed

if TYPE_CHECKING:
    from collections.abc import Callable

SHARE: Final = 0.2
"""Of a caller's requests to a package, so many may be retried,"""
FLOOR_PER_S: Final = 3.0
"""and so many a second beside them: a caller of few requests has a share of nothing."""
JITTER_NS: Final = 25_000_000
"""Retries are spread over this: what failed together does not come back together."""
_S: Final = 1e9

_WORTH_ANOTHER: Final[dict[Code, bool]] = {
    Code.OK: False,
    Code.BAD_REQUEST: False,  # the caller's fault, as the next two: it fails everywhere
    Code.NOT_FOUND: False,
    Code.FORBIDDEN: False,
    Code.NO_ROUTE: False,  # there is nobody else
    Code.OVERLOADED: True,  # shed by one host's queue; another's may have room
    Code.TIMEOUT: False,  # the deadline is over
    Code.CANCELLED: False,  # nobody waits for it
    Code.OUTCOME_UNKNOWN: True,  # its instance died; another lives
    Code.UNAVAILABLE: True,
    Code.INTERNAL: True,  # another instance may be sane
    Code.APPLICATION: False,  # an outcome that the package declares
}
"""May another instance's answer be a better one? What was executed must be idempotent besides."""


def may_retry(code: Code, executed: Executed, *, idempotent: bool) -> bool:
    """Is a second attempt harmless, and of any use? *idempotent*: the feature is declared to be."""
    return _WORTH_ANOTHER[code] and (idempotent or executed is Executed.NO)


def both_executed(first: Executed, second: Executed) -> Executed:
    """What is to be said of two attempts together: NO only if neither was, YES if one surely was."""
    if Executed.YES in {first, second}:
        return Executed.YES
    return Executed.UNKNOWN if Executed.UNKNOWN in {first, second} else Executed.NO


def jitter_ns(dice: Callable[[], float]) -> int:
    """How long a retry waits; *dice* returns [0, 1)."""
    return int(dice() * JITTER_NS)


class RetryBudget:
    """Retries of one caller to one package: `SHARE` of its requests, and `FLOOR_PER_S` a second. A token bucket.

    It holds at most what one second earns, so over any time T with N requests at most N × SHARE + T × FLOOR_PER_S
    retries are granted, and one second's more. Fed only when a retry is wanted, by how many requests there have been:
    those that succeed pay nothing for it.
    """

    __slots__ = (
        "_measured_ns",
        "_measured_requests",
        "_per_s",
        "_requests",
        "_saved",
        "_seen_ns",
        "refused",
        "retried",
    )

    def __init__(self, began_ns: int) -> None:
        """*began_ns*: since when requests are counted."""
        self.retried = 0
        self.refused = 0
        """Retries that would have been harmless, and were not granted."""
        self._saved = 0.0
        self._requests = 0
        self._seen_ns = began_ns
        self._per_s = 0.0
        """Requests, over the last second or longer that was looked at."""
        self._measured_requests = 0
        self._measured_ns = began_ns

    def grant(self, requests: int, now_ns: int) -> bool:
        """May one more be retried? *requests*: how many there have been since the beginning, retries not counted."""
        passed_s = max(0, now_ns - self._measured_ns) / _S
        if passed_s >= 1.0:
            self._per_s = (requests - self._measured_requests) / passed_s
            self._measured_requests, self._measured_ns = requests, now_ns
        earned = SHARE * (requests - self._requests) + FLOOR_PER_S * max(0, now_ns - self._seen_ns) / _S
        self._saved = min(self._saved + earned, SHARE * self._per_s + FLOOR_PER_S)
        self._requests, self._seen_ns = requests, max(now_ns, self._seen_ns)
        if self._saved < 1.0:
            self.refused += 1
            return False
        self._saved -= 1.0
        self.retried += 1
        return True
