"""Are requests shared out as was decided? If not, something sorts them, and what is compared is not alike. Pure.

Kohavi, Tang and Xu, Trustworthy Online Controlled Experiments (2020), chapter 21.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import WHOLE
from h2o_core.experiment.clusters import design_effect
from h2o_core.experiment.looks import believable
from h2o_core.experiment.tails import chi_square_tail, normal_tail

if TYPE_CHECKING:
    from h2o_core.experiment.arms import Counted

ALPHA: Final = 0.001
"""The probability that an experiment without a fault is ever called invalid."""


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Requests that were drawn for each version (in the stage's order), and the share that it should have had.

    `p`: the probability of such a mismatch by chance; `invalid`: it is too small to believe in chance.
    """

    versions: tuple[str, ...]
    drawn: tuple[int, ...]
    expected: tuple[float, ...]
    p: float
    invalid: bool


def sample_ratio(counted: Counted) -> SampleRatio:
    """Pearson's χ² of what was drawn against the weights, smaller by the design effect for requests with a key.

    A request that carries its version was not drawn, and says nothing here: a version may well call more or less.
    """
    weights = counted.stage.weights
    versions = tuple(version for version, _ in weights)
    expected = tuple(parts / WHOLE for _, parts in weights)
    arms = [counted.arm(version) for version in versions]
    whole = [0.0] * len(versions)
    sticky = [arm.sticky.assigned for arm in arms]
    effect = _effect([arm.sticky.groups.assigned for arm in arms], expected)
    for at, arm in enumerate(arms):
        whole[at] = sticky[at] / effect + arm.random.assigned
    total = sum(whole)
    drawn = tuple(arm.sticky.assigned + arm.random.assigned for arm in arms)
    if not total:
        return SampleRatio(versions, drawn, expected, 1.0, invalid=False)
    square = sum((seen - total * share) ** 2 / (total * share) for seen, share in zip(whole, expected, strict=True))
    p = chi_square_tail(square, len(versions) - 1)
    # The size is what the smallest arm should have: one that gets nothing at all is a mismatch, not too few requests.
    z = believable(total * min(expected), ALPHA / 2)
    return SampleRatio(versions, drawn, expected, p, invalid=z is not None and p < 2 * normal_tail(z))


def _effect(drawn: list[tuple[int, ...]], expected: tuple[float, ...]) -> float:
    """The mean of the versions' design effects (Rao and Scott's first order), 1 where nothing has a key."""
    if not any(drawn):
        return 1.0
    filled = [one or (0,) * max(map(len, drawn)) for one in drawn]
    totals = [sum(column) for column in zip(*filled, strict=True)]
    effects = [design_effect(one, totals, share * (1 - share)) for one, share in zip(filled, expected, strict=True)]
    return sum(effects) / len(effects)
