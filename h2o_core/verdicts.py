"""What a guard says of a plan: passed, warned, or refused, with a sentence and what to do instead. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """How a guard judges a plan."""

    PASSED = "passed"
    WARNED = "warned"
    """Applied all the same; whoever decides should have read it."""
    REFUSED = "refused"
    """Only force and the typed name get past it."""


LAST_INSTANCE: Final = "last_instance"
CAPACITY: Final = "capacity"
MIN_AVAILABLE: Final = "min_available"
ZONES: Final = "zones"
STATISTICS: Final = "statistics"
CAP: Final = "cap"
HEALTH: Final = "health"
EXPERIMENT: Final = "experiment"
OTHERS: Final = "others"
"""The change ends, or writes over, what somebody else has decided."""


@dataclass(frozen=True, slots=True)
class Guard:
    """One guard's verdict. `subject`: what it speaks of (a package, ``package version``, a host); "" when it passed.

    `name` is one of this module's words. `hint` says what to do or type instead, or "".
    """

    name: str
    verdict: Verdict
    sentence: str
    subject: str = ""
    hint: str = ""
