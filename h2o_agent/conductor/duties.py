"""What the conductor is to do, and when. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Due:
    """Something that is due at `at_s` (Unix time of the register), by `duty`, about `subject`: a host or a package.

    `reason` names the document's own time.
    """

    duty: str
    subject: str
    at_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class Remark:
    """What is to be looked at by somebody: an entry in `/health` of whoever conducts."""

    duty: str
    subject: str
    sentence: str
