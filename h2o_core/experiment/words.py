"""What an experiment says, in a sentence that an operator can act on. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.experiment.clusters import FEWEST_GROUPS
from h2o_core.experiment.judging import Verdict
from h2o_core.experiment.looks import FIRST_LOOK

if TYPE_CHECKING:
    from h2o_core.experiment.arms import Counted
    from h2o_core.experiment.judging import Durations, Judged, Judgement, Shares
    from h2o_core.experiment.ratio import SampleRatio

_MINUTE_S: Final = 60.0
_HOUR_S: Final = 3600.0
_DAY_S: Final = 86_400.0
_MS: Final = 1e6


def sentence(counted: Counted, judged: Judged, one: Judgement) -> str:
    """The verdict on *one* of *judged*'s versions; *counted* is what was judged."""
    if one.verdict is Verdict.INVALID:
        found = _found(one, Verdict.WORSE)
        besides = f"; besides, {one.version} has {found}" if found else ""
        return f"invalid: {mismatch(counted, judged.ratio)}{besides}"
    if one.verdict in {Verdict.WORSE, Verdict.BETTER}:
        return f"{one.version} is {one.verdict.value}: {_found(one, one.verdict)}"
    if one.few_keys and not one.requests:
        return (
            f"can't be judged: its requests come from too few sticky keys; either version needs them in "
            f"{FEWEST_GROUPS} of their groups at least"
        )
    if one.verdict is Verdict.ALIKE:
        return f"no difference that matters in {one.requests:,} requests of {one.version}: {_seen(one)}"
    return f"no difference seen yet: needs {one.needs:,.0f} more {_whose(one)}{_time(one)}"


def _whose(one: Judgement) -> str:
    scarce = one.requests >= FIRST_LOOK and one.needs > max(0.0, one.planned - one.requests)
    return "requests of the stable version" if scarce else f"requests of {one.version}"


def _time(one: Judgement) -> str:
    if one.needs_s is None:
        return f"; it has had {one.requests or 'none'} so far"
    return f", about {lasting(one.needs_s)}"


def _seen(one: Judgement) -> str:
    low, high = one.errors.low * 100, one.errors.high * 100
    ours, usual = percentage(one.errors.challenger.value), percentage(one.errors.control.value)
    return f"errors {ours} against {usual} ({low:+.2f} to {high:+.2f} points)"


def _found(one: Judgement, verdict: Verdict) -> str:
    """In which respects it is that."""
    kinds: tuple[tuple[str, Shares], ...] = (("errors", one.errors), ("application errors", one.application))
    found = [
        f"{what} {percentage(each.challenger.value)} against {percentage(each.control.value)}"
        for what, each in kinds
        if each.verdict is verdict
    ]
    if one.durations.verdict is verdict:
        found.append(_durations(one.durations))
    return ", ".join(found)


def _durations(durations: Durations) -> str:
    measured = durations.measured
    how = "slower" if measured.factor > 1 else "faster"
    return f"{how} by {abs(measured.factor - 1):.0%} ({measured.by_ns / _MS:+.3g} ms at the median)"


def mismatch(counted: Counted, ratio: SampleRatio) -> str:
    """What is wrong with the samples, and where to look."""
    drawn, total = ratio.drawn, max(1, sum(ratio.drawn))
    order = sorted(range(len(drawn)), key=lambda at: (ratio.versions[at] == counted.stage.stable, at))
    got = ":".join(f"{drawn[at] / total * 100:.3g}" for at in order)
    wanted = ":".join(f"{ratio.expected[at] * 100:.3g}" for at in order)
    names = ", ".join(ratio.versions[at] for at in order)
    cause = (
        f"requests that got a version without an instance: {counted.broken:,}; start one"
        if counted.broken
        else "look at what sorts its requests: h2o why FEATURE --key K"
    )
    return f"sample ratio {got}, expected {wanted} ({names}); {cause}"


def percentage(share: float) -> str:
    """``6.1 %``, ``0.04 %``, ``0 %``."""
    return f"{share * 100:.{2 if 0 < share < 0.002 else 1}f} %" if share else "0 %"


def lasting(seconds: float) -> str:
    """About how long: ``40 s``, ``14 min``, ``3.2 h``, ``9 d``."""
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR_S:
        return f"{seconds / _MINUTE_S:.0f} min"
    return f"{seconds / _HOUR_S:.1f} h" if seconds < 3 * _DAY_S else f"{seconds / _DAY_S:.0f} d"
