"""What the console heard of a fleet, as it came: one answer, or that there was none. Pure.

It is what a recorder keeps and what a replay takes in again, so nothing is parsed in it, and no token is in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an answer is to; the number is the file's, and stays."""

    HOSTS = 1
    """``/hosts``; `of` is the agent's address, `said` (why another agent than the context's was asked,)."""
    INSTANCES = 2
    """``/instances?fleet=1``."""
    PROMISES = 3
    """``/features?fleet=1``."""
    STATS = 4
    """A host's ``/stats``; `of` is the host."""
    STILL = 5
    """Nothing has happened on host `of` since its last answer (304)."""
    FAILURE = 6
    """Host `of` gave no usable answer; `said` (why,)."""
    TROUBLE = 7
    """No agent told the fleet's picture; `of` is the context's agent, `said` (why, what to type)."""
    EXPECT = 8
    """From now on host `of` is asked once in `seconds`."""
    CONTROL = 9
    """``/control``."""
    CONTROL_STANDS = 10
    """Nothing has been decided since (304)."""
    NO_CONTROL = 11
    """The agent that is asked has never heard of ``/control``."""
    HISTORY = 12
    """What host `of` remembers of the time before anybody watched, ``/history``."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One of them; what a kind does not have is empty."""

    kind: Kind
    of: str = ""
    body: bytes = b""
    said: tuple[str, ...] = ()
    seconds: float = 0.0
