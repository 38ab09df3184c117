"""What two versions' requests say, as counted, and as independent ones that say as much. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from h2o_core.experiment.clusters import FEWEST_GROUPS, corrected, design_effect, share_effect
from h2o_core.experiment.proportions import Share

if TYPE_CHECKING:
    from h2o_core.experiment.arms import Arm, Part
    from h2o_core.histogram import Histogram


@dataclass(frozen=True, slots=True)
class Evidence:
    """A version's requests that count. `durations_effect`: the design effect of its durations."""

    requests: int
    errors: int
    application: int
    times: Histogram
    independent_errors: Share
    independent_application: Share
    durations_effect: float


class _Effects(NamedTuple):
    """Design effects of the requests with a key."""

    errors: float
    application: float
    durations: float


def evidence(control: Arm, challenger: Arm) -> tuple[bool, Evidence, Evidence]:
    """(requests with a key were left out, the control's, the challenger's).

    They are left out of both when one version has them from too few keys. The larger of the two versions' effects holds
    for both: one with a tenth of the customers has perhaps not met one of those yet who fail always.
    """
    arms = control.sticky, challenger.sticky
    few_keys = any(part.ended and not _many_keys(part) for part in arms)
    with_keys = not few_keys and any(part.ended for part in arms)
    effects = _Effects(*map(max, *map(_effects, arms))) if with_keys else None
    return few_keys, _weighed(control, effects), _weighed(challenger, effects)


def _many_keys(part: Part) -> bool:
    return sum(1 for ended in part.groups.ended if ended) >= FEWEST_GROUPS


def _effects(part: Part) -> _Effects:
    groups = part.groups
    return _Effects(
        share_effect(groups.errors, groups.ended),
        share_effect(groups.application, groups.ended),
        design_effect(groups.ticks, groups.ended, _spread(part.times)),
    )


def _weighed(arm: Arm, effects: _Effects | None) -> Evidence:
    """*effects* None: without the requests that have a key."""
    sticky, random = arm.sticky, arm.random
    if effects is None:
        errors, application = Share(random.errors, random.ended), Share(random.application_errors, random.ended)
        return Evidence(random.ended, random.errors, random.application_errors, random.times, errors, application, 1.0)
    whole = arm.whole
    errors = corrected(sticky.errors, sticky.ended, effects.errors)
    application = corrected(sticky.application_errors, sticky.ended, effects.application)
    return Evidence(
        requests=whole.ended,
        errors=whole.errors,
        application=whole.application_errors,
        times=whole.times,
        independent_errors=Share(errors.hits + random.errors, errors.total + random.ended),
        independent_application=Share(application.hits + random.application_errors, application.total + random.ended),
        durations_effect=(effects.durations * sticky.ended + random.ended) / whole.ended if whole.ended else 1.0,
    )


def _spread(times: Histogram) -> float:
    """Variance of the logarithms of durations, in buckets²; 0 of none."""
    count = times.count
    if not count:
        return 0.0
    mean = sum(bucket * many for bucket, many in times.buckets.items()) / count
    squares = sum(many * (bucket - mean) ** 2 for bucket, many in times.buckets.items()) + times.zero * mean**2
    return squares / count
