"""What speaks against a change: judged on all that would be decided then, not on the change alone. Pure.

TRAFFIC.md "Drain, avoid, guards" and "Cap". Each guard looks at what is decided before and after, and judges what gets
worse: what is wrong already is not the fault of a change that leaves it so. It does not matter whether a weight, a
drain or an undo takes the last instance away, and what somebody else has drained already counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.experiment.arms import stage_of
from h2o_core.names import shown
from h2o_core.plan.eligible import last_instance, min_available
from h2o_core.plan.room import cap, capacity, statistics
from h2o_core.plan.routes import is_drained
from h2o_core.verdicts import EXPERIMENT, HEALTH, ZONES, Guard, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from h2o_core.plan.turns import Case

_ORDER: Final = (Verdict.REFUSED, Verdict.WARNED, Verdict.PASSED)


def judge(case: Case, more: Iterable[Guard] = ()) -> tuple[Guard, ...]:
    """All guards, with *more* that an intent brings along; those that refuse come first."""
    found = [*more, *(guard for check in _CHECKS for guard in check(case))]
    return tuple(sorted(found, key=lambda guard: _ORDER.index(guard.verdict)))


def zones(case: Case) -> list[Guard]:
    """All drained hosts, whoever drained them, are of one zone: the others are what a zone's end would leave."""
    drained = {host for host in case.after.hosts if is_drained(case.after, host)}
    if not any(not is_drained(case.before, host) for host in drained):
        return []
    known = {case.fleet.hosts[host].zone for host in drained if host in case.fleet.hosts} - {""}
    if len(known) < 2:
        return [Guard(ZONES, Verdict.PASSED, "drained hosts are of one zone")]
    named = ", ".join(sorted(known))
    sentence = f"hosts of more than one zone would be drained at once ({named}): {', '.join(sorted(drained))}"
    return [Guard(ZONES, Verdict.REFUSED, sentence, named, "finish the drains of one zone first: h2o hosts")]


def health(case: Case) -> list[Guard]:
    """Hosts that get requests again should be well."""
    found: list[Guard] = []
    for host in case.before.hosts:
        known = case.fleet.hosts.get(host)
        if host in case.after.hosts or known is None or not known.alive:
            continue
        if not known.fresh or known.healthy is False:
            why = "something is wrong there" if known.fresh else "it is silent"
            sentence = f"{host} gets requests again, and {why}"
            found.append(Guard(HEALTH, Verdict.WARNED, sentence, host, "see what: h2o hosts"))
    return found


def experiment(case: Case) -> list[Guard]:
    """What a change of weights, or of the fallback, does to an experiment that runs; who ends one by its name knows."""
    found: list[Guard] = []
    for package, was in case.before.traffic.items():
        will = case.after.traffic.get(package)
        running = stage_of(was)
        stage = None if will is None else stage_of(will)
        if running is None or stage == running or (will is not None and will.experiment != was.experiment):
            continue
        if will is not None and will.ended:
            continue
        name = shown(package)
        does = (
            "ends without a verdict: there is nothing to compare any more"
            if stage is None
            else "counts anew: what it has measured is of other weights; customers stay while a weight only grows"
        )
        hint = f"look at it first: h2o experiment status {name}; end it: h2o experiment stop {name}"
        found.append(Guard(EXPERIMENT, Verdict.WARNED, f"experiment {was.experiment} of {name} {does}", name, hint))
    return found


_CHECKS: Final[tuple[Callable[[Case], list[Guard]], ...]] = (
    last_instance,
    capacity,
    min_available,
    zones,
    statistics,
    cap,
    health,
    experiment,
)
