"""Who is well enough to be chosen: verdicts, how many may be out at once, and when health is ignored. Pure.

The destination broker sees all of an instance's traffic and judges it (`ejection`); every origin hears its verdict.
What is here holds for one version of a package, over the whole fleet, and gives every broker that knows the
same the same result. Figures: TRAFFIC.md "Choosing an instance".
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from h2o_core.errors import Code

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

MOST_OUT_PERCENT: Final = 33
IN_SPITE: Final = "in spite of this"
"""Begins the sentence about an instance that is chosen in panic; what shows it tells it by that from others."""
UNKNOWN_SHARE: Final = 1.0
"""Nobody is judged by what nobody has seen: too few requests to tell count as success."""


class Verdict(IntEnum):
    """What a destination broker says of an instance of its host. The numbers are the wire's; they never change."""

    OK = 0
    EJECTED = 1
    """Out for its time, or its probe is under way: nobody chooses it."""
    PROBING = 2
    """Its time is over: the next request that reaches it decides whether it is back."""
    CHECK_FAILING = 3
    """It says of itself that a check of severity page fails."""


OUT: Final = frozenset((Verdict.EJECTED, Verdict.PROBING))
"""Verdicts that the cap counts: an ejection lasts until a probe has ended it."""


class Sign(IntEnum):
    """What one answer says of the instance that gave it."""

    WELL = 0
    ILL = 1
    BUSY = 2
    """It failed for want of room: a failure for the share of successes, and no part of a run of failures."""
    NOTHING = 3


SIGNS: Final[Mapping[Code, Sign]] = {
    Code.OK: Sign.WELL,
    Code.APPLICATION: Sign.WELL,  # declared: the handler did its work
    Code.TIMEOUT: Sign.ILL,
    Code.OUTCOME_UNKNOWN: Sign.ILL,
    Code.INTERNAL: Sign.ILL,
    Code.OVERLOADED: Sign.BUSY,
    Code.UNAVAILABLE: Sign.BUSY,
    Code.BAD_REQUEST: Sign.NOTHING,
    Code.NOT_FOUND: Sign.NOTHING,
    Code.FORBIDDEN: Sign.NOTHING,
    Code.NO_ROUTE: Sign.NOTHING,
    Code.CANCELLED: Sign.NOTHING,
}


def most_out(total: int) -> int:
    """How many of a version's *total* instances may be out at once: max(1, 33 %), and never the last one."""
    return max(0, min(max(1, total * MOST_OUT_PERCENT // 100), total - 1))


def may_eject(out: Collection[str], total: int) -> bool:
    """There is room for one more; *out*: ids of the version's instances that are known to be out, fleet-wide."""
    return len(out) < most_out(total)


def honoured(out: Iterable[str], total: int) -> frozenset[str]:
    """The instances that are really left out; the rest is chosen in spite of its verdict.

    Two brokers that don't know of each other's ejection yet can say more than `most_out` together. So whoever
    chooses takes the first by id, and a broker whose instance is not among them takes it back in: those that know
    the same leave out the same, and never does a broker leave out more than what it knows of allows.
    """
    return frozenset(sorted(out)[: most_out(total)])


def panics(healthy: int, total: int) -> bool:
    """Fewer than half are healthy (not ejected, suspect or failing a check): health no longer decides who is chosen.

    The few that are left would fall under the load of all. Drains and weights are decisions, not health: they stand.
    """
    return 2 * healthy < total


def median(shares: Sequence[float]) -> float:
    """The pool's share of successes that one of it is compared with; `UNKNOWN_SHARE` when there is nobody."""
    if not shares:
        return UNKNOWN_SHARE
    in_order = sorted(shares)
    middle = len(in_order) // 2
    return in_order[middle] if len(in_order) % 2 else (in_order[middle - 1] + in_order[middle]) / 2
