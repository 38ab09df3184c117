"""What an experiment says so far: each new version against the stable one, and how much is left to be seen. Pure.

Three things are compared, each with its part of alpha: errors, application errors, durations. Alpha is the probability
that a version without a difference is ever called worse (and again, better), however often it is looked at (`looks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Final

from h2o_core.experiment.evidence import evidence
from h2o_core.experiment.latency import Slower, slower
from h2o_core.experiment.looks import FIRST_LOOK, believable
from h2o_core.experiment.proportions import Share, difference_interval, difference_z, needed
from h2o_core.experiment.ratio import SampleRatio, sample_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2o_core.experiment.arms import Counted
    from h2o_core.experiment.evidence import Evidence

ERRORS_ALPHA: Final = 0.05
OTHERS_ALPHA: Final = 0.005
"""Of application errors, and of durations: nobody gets up at night for them, and durations are told soon anyway."""
FEWEST_HITS: Final = 3.0
"""Errors of the worse version, by as many keys, before it is called worse: one or two are an anecdote."""
_USUAL: Final = 0.01
"""Errors of a version of which nothing is known yet, worth as many requests as the first look has."""
_NARROWEST: Final = 2.0
"""Standard errors of an interval before anything can be believed."""


class Verdict(StrEnum):
    """What is to be said of a version in one respect, or altogether."""

    WORSE = "worse"
    BETTER = "better"
    UNDECIDED = "undecided"
    """Too few requests to exclude a difference that would matter."""
    ALIKE = "no difference"
    """None that would matter, after as many requests as were planned."""
    INVALID = "invalid"
    """What is compared is not alike: nothing can be said."""


@dataclass(frozen=True, slots=True)
class Shares:
    """One kind of error: the two shares as counted, and the challenger's less the control's, `low` to `high`."""

    control: Share
    challenger: Share
    difference: float
    low: float
    high: float
    z: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Durations:
    """How long requests take: what was measured (`Slower`), and what that says."""

    measured: Slower
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A new version against the stable one.

    `planned`: requests of it that show the smallest difference that matters; `needs`: how many of these are left,
    `needs_s` about how long they take at its rate so far (None: it has none). `few_keys`: requests with a sticky key
    were left out, for those of one of the two come from so few keys that they are no evidence.
    """

    version: str
    verdict: Verdict
    errors: Shares
    application: Shares
    durations: Durations
    requests: int
    planned: float
    needs: float
    needs_s: float | None
    few_keys: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """An experiment: are its samples alike, and what of each new version."""

    ratio: SampleRatio
    versions: tuple[Judgement, ...]


def judge(counted: Counted, min_effect: float, now_s: float) -> Judged:
    """*min_effect*: the smallest difference of errors that matters, as a share (0.01: one point)."""
    ratio = sample_ratio(counted)
    challengers = counted.stage.challengers
    versions = tuple(_judgement(counted, version, min_effect, now_s, invalid=ratio.invalid) for version in challengers)
    return Judged(ratio, versions)


def _judgement(counted: Counted, version: str, min_effect: float, now_s: float, *, invalid: bool) -> Judgement:
    few_keys, control, challenger = evidence(counted.arm(counted.stage.stable), counted.arm(version))
    among = len(counted.stage.challengers)
    errors = _shares(
        Share(control.errors, control.requests),
        Share(challenger.errors, challenger.requests),
        (control.independent_errors, challenger.independent_errors),
        ERRORS_ALPHA / among,
    )
    application = _shares(
        Share(control.application, control.requests),
        Share(challenger.application, challenger.requests),
        (control.independent_application, challenger.independent_application),
        OTHERS_ALPHA / among,
    )
    durations = _durations(control, challenger, OTHERS_ALPHA / among)
    planned = _planned(control, challenger, min_effect)
    needs = max(0.0, planned - challenger.requests, FIRST_LOOK - challenger.requests, FIRST_LOOK - control.requests)
    return Judgement(
        version=version,
        verdict=_overall((errors.verdict, application.verdict, durations.verdict), needs, invalid=invalid),
        errors=errors,
        application=application,
        durations=durations,
        requests=challenger.requests,
        planned=planned,
        needs=needs,
        needs_s=_seconds(needs, challenger.requests, now_s - counted.since_s),
        few_keys=few_keys,
    )


def _overall(verdicts: Sequence[Verdict], needs: float, *, invalid: bool) -> Verdict:
    """Of what is told of a version the worst holds."""
    if invalid:
        return Verdict.INVALID
    for one in (Verdict.WORSE, Verdict.BETTER):
        if one in verdicts:
            return one
    return Verdict.UNDECIDED if needs else Verdict.ALIKE


def _shares(control: Share, challenger: Share, independent: tuple[Share, Share], alpha: float) -> Shares:
    least = min(independent[0].total, independent[1].total)
    z, width = difference_z(*independent), believable(least, alpha)
    low, high = difference_interval(*independent, width or _NARROWEST)
    difference = challenger.value - control.value
    enough = max(independent[0].hits, independent[1].hits) >= FEWEST_HITS
    return Shares(control, challenger, difference, low, high, z, _verdict(z, width if enough else None))


def _verdict(z: float, width: float | None) -> Verdict:
    if width is None or abs(z) < width:
        return Verdict.UNDECIDED
    return Verdict.WORSE if z > 0 else Verdict.BETTER


def _durations(control: Evidence, challenger: Evidence, alpha: float) -> Durations:
    counts = control.requests, challenger.requests
    if not all(counts):
        return Durations(slower(control.times, challenger.times), Verdict.UNDECIDED)
    effects = control.durations_effect, challenger.durations_effect
    least = min(count / effect for count, effect in zip(counts, effects, strict=True))
    # U's variance comes from each side in proportion to the other's size.
    effect = (effects[0] * counts[1] + effects[1] * counts[0]) / sum(counts)
    width = believable(least, alpha)
    measured = slower(control.times, challenger.times, effect=effect, width=width or _NARROWEST)
    return Durations(measured, _verdict(measured.z, width) if measured.matters else Verdict.UNDECIDED)


def _planned(control: Evidence, challenger: Evidence, min_effect: float) -> float:
    """Requests of the challenger that would show *min_effect*, with the control's errors and the keys as they are."""
    ratio = control.requests / challenger.requests if control.requests and challenger.requests else 1.0
    usual = (control.errors + _USUAL * FIRST_LOOK) / (control.requests + FIRST_LOOK)
    raised = min(1.0, usual + min_effect)
    independent = needed(usual, raised, ratio=ratio) if raised > usual else 0.0
    alike = challenger.independent_errors.total
    return independent * (challenger.requests / alike if alike else 1.0)


def _seconds(needs: float, requests: int, covered_s: float) -> float | None:
    if not needs:
        return 0.0
    seconds = needs * covered_s / requests if requests and covered_s > 0 else inf
    return seconds if seconds < inf else None
