"""What was counted of an experiment, by version: as one broker counts it, or all of them together. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from h2o_core.errors import ERRORS, Code
from h2o_core.histogram import Histogram

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from h2o_core.control.traffic import Traffic


class Stage(NamedTuple):
    """What an experiment's counts are of: under other weights another comparison begins, and counts start anew.

    `weights`: (version, parts out of 10,000) of those that have any; the stable version is the control.
    """

    experiment: str
    salt: str
    stable: str
    weights: tuple[tuple[str, int], ...]

    @property
    def challengers(self) -> tuple[str, ...]:
        """The versions that are compared with the stable one."""
        return tuple(version for version, _ in self.weights if version != self.stable)


def stage_of(traffic: Traffic) -> Stage | None:
    """The experiment of a traffic document; None: there is none, or nothing to be compared."""
    weights = tuple((version, parts) for version, parts in traffic.weights if parts)
    if not traffic.experiment or traffic.ended or len(weights) < 2 or traffic.stable not in dict(weights):
        return None
    return Stage(traffic.experiment, traffic.salt, traffic.stable, weights)


class Groups(NamedTuple):
    """Requests by group of keys (`clusters.group_of`), each a list of `clusters.GROUPS` numbers.

    `ticks`: the sum of their durations' buckets (`histogram`), which is that of the logarithms.
    """

    assigned: tuple[int, ...]
    ended: tuple[int, ...]
    errors: tuple[int, ...]
    application: tuple[int, ...]
    ticks: tuple[int, ...]

    def plus(self, other: Groups) -> Groups:
        """Both together."""
        return Groups(*(_sum(mine, theirs) for mine, theirs in zip(self, other, strict=True)))


def _sum(mine: Sequence[int], theirs: Sequence[int]) -> tuple[int, ...]:
    if not (mine and theirs):
        return tuple(mine or theirs)
    return tuple(one + other for one, other in zip(mine, theirs, strict=True))


NO_GROUPS = Groups((), (), (), (), ())


@dataclass(frozen=True, slots=True)
class Part:
    """The requests of a version that have a sticky key, or those that have none.

    `assigned`: whose version was decided here, by key or by dice; `carried`: which had it already. `outcomes` by code
    are of those that have ended, both kinds. Of requests without a key there are no `groups`.
    """

    assigned: int = 0
    carried: int = 0
    outcomes: Mapping[int, int] = field(default_factory=dict[int, int])
    times: Histogram = field(default_factory=Histogram)
    groups: Groups = NO_GROUPS

    @property
    def ended(self) -> int:
        """Requests that have their answer."""
        return sum(self.outcomes.values())

    @property
    def errors(self) -> int:
        """Of these, failures (`h2o_core.errors.ERRORS`)."""
        return sum(count for code, count in self.outcomes.items() if code in ERRORS)

    @property
    def application_errors(self) -> int:
        """Of these, errors that the package declares."""
        return self.outcomes.get(Code.APPLICATION, 0)

    def plus(self, other: Part) -> Part:
        """Both together."""
        times = Histogram()
        times.merge(self.times)
        times.merge(other.times)
        codes = self.outcomes.keys() | other.outcomes.keys()
        return Part(
            self.assigned + other.assigned,
            self.carried + other.carried,
            {code: self.outcomes.get(code, 0) + other.outcomes.get(code, 0) for code in sorted(codes)},
            times,
            self.groups.plus(other.groups),
        )


NOTHING = Part()


@dataclass(frozen=True, slots=True)
class Arm:
    """A version in an experiment."""

    sticky: Part = NOTHING
    random: Part = NOTHING

    @property
    def whole(self) -> Part:
        """All its requests; the groups are those of the sticky ones."""
        return self.sticky.plus(self.random)

    def plus(self, other: Arm) -> Arm:
        """Both together."""
        return Arm(self.sticky.plus(other.sticky), self.random.plus(other.random))


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted of one stage of an experiment. `since_s` is the Unix time when it began.

    `by_rule` and `broken` were left out: no evidence, since nobody drew for them, or for want of an instance.
    """

    package: str
    stage: Stage
    since_s: float
    arms: Mapping[str, Arm]
    by_rule: int = 0
    broken: int = 0

    def arm(self, version: str) -> Arm:
        """A version's; nothing was counted of one that has had no request yet."""
        return self.arms.get(version, Arm())

    def plus(self, other: Counted) -> Counted:
        """Both together, of the same stage, whichever began first."""
        return Counted(
            self.package,
            self.stage,
            min(self.since_s, other.since_s),
            {version: self.arm(version).plus(other.arm(version)) for version, _ in self.stage.weights},
            self.by_rule + other.by_rule,
            self.broken + other.broken,
        )


def together(counts: Iterable[Counted]) -> Counted | None:
    """Of all brokers, which are of one stage; None when there are none."""
    every = list(counts)
    return reduce(Counted.plus, every) if every else None
