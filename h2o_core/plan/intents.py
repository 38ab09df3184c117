"""What an operator, or the conductor, wants: one frozen value each, from which a plan is made. Pure.

Packages are full names (``/service/customer``), hosts their names, `until_s` and `review_s` Unix times. What is typed
as a duration is worked out by whoever reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from h2o_core.control.traffic import MIN_EFFECT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from h2o_core.audit import Entry
    from h2o_core.control.traffic import MatchRule


@dataclass(frozen=True, slots=True)
class Shift:
    """Give versions of a package these weights, in parts out of 10,000.

    One version scales the others; several are all that get anything, and sum to 10,000; none leaves the weights.
    `stable` names the fallback ("" leaves it); `rules` replace the match rules (None leaves them). `review_s`: when
    somebody is to look again; 0 for never.
    """

    package: str
    weights: Mapping[str, int] = field(default_factory=dict[str, int])
    stable: str = ""
    rules: tuple[MatchRule, ...] | None = None
    review_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RollBack:
    """Everything to the version that took the most before the newest one with weight came, or to `to`."""

    package: str
    to: str = ""


@dataclass(frozen=True, slots=True)
class Drain:
    """Nothing new for these hosts. `until_s` 0: until somebody ends it. `grace_s`: how long what runs may go on."""

    hosts: tuple[str, ...]
    until_s: float
    grace_s: float


@dataclass(frozen=True, slots=True)
class Avoid:
    """Nothing for these hosts that others can take. `until_s` 0: until somebody ends it."""

    hosts: tuple[str, ...]
    until_s: float


@dataclass(frozen=True, slots=True)
class Restore:
    """End the drains and avoids of these hosts."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extend:
    """Another end of the hosts' drains and avoids, or another time of review of the package's traffic: one of both.

    `until_s` 0 takes the end away.
    """

    until_s: float
    hosts: tuple[str, ...] = ()
    package: str = ""


@dataclass(frozen=True, slots=True)
class Undo:
    """Give back, byte for byte, what was there before that change.

    Only if what is there is what the change left; `over`: whatever is there.
    """

    entry: Entry
    over: bool = False


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """The fleet's settings, as words: ``{"tiers": "warn"}``."""

    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StartExperiment:
    """Compare versions of a package with the stable one. `weights`: the new ones, in parts out of 10,000.

    One scales the others; of several the stable one takes the rest. `name` "": that of the new versions. `salt`: a word
    that was never used, or the same customers are drawn again. `min_effect`: the smallest difference of errors that
    matters, in parts out of 10,000.
    """

    package: str
    weights: Mapping[str, int]
    salt: str
    name: str = ""
    min_effect: int = MIN_EFFECT
    review_s: float = 0.0


class Outcome(StrEnum):
    """What an experiment's end leaves: the weights as they are, all to a new version, or all to the stable one."""

    KEEP = "keep"
    PROMOTE = "promote"
    REVERT = "revert"


@dataclass(frozen=True, slots=True)
class StopExperiment:
    """End a package's experiment. `version`: who is promoted, "" where there is only one to be."""

    package: str
    outcome: Outcome
    version: str = ""


Experiment: TypeAlias = StartExperiment | StopExperiment
Intent: TypeAlias = Shift | RollBack | Drain | Avoid | Restore | Extend | Undo | ChangeSettings | Experiment
