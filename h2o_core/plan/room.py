"""Guards that weigh what is needed against what remains: capacity, what is known of it, the cap on weights. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_core.control.traffic import WHOLE
from h2o_core.figures import many
from h2o_core.verdicts import CAP, CAPACITY, STATISTICS, Guard, Verdict
from h2o_core.weights import over_cap

if TYPE_CHECKING:
    from h2o_core.plan.routes import Route
    from h2o_core.plan.turns import Case, Group, Turn

HEADROOM: Final = 1.25
"""So much of what a package has needed has to fit into what remains."""


def capacity(case: Case) -> list[Guard]:
    """What was needed in the last healthy minutes, and a quarter more, has to fit into what remains of each version.

    Capacity that fails, or of which nothing fresh is known, counts as nothing. An unknown need warns: it is not 0.
    """
    found: list[Guard] = []
    fullest: tuple[float, str] = (-1.0, "")
    for turn in case.turns:
        for group in turn.groups():
            slots = sum(one.slots for one in turn.certain(group.takers))
            if not group.smaller or not slots:  # without any the guards of statistics and of the last instance speak
                continue
            if turn.need.busy is None:
                sentence = f"what {turn.name} needs is not known; {slots} ready slots of {group.subject} remain"
                found.append(Guard(CAPACITY, Verdict.WARNED, sentence, group.subject))
                continue
            need = turn.need.busy * group.parts / WHOLE
            if need * HEADROOM > slots:
                found.append(_too_few(turn, group, need, slots))
            sentence = f"{group.subject} is the fullest: {need:.3g} busy of {many(slots, 'slot')} then"
            fullest = max(fullest, (need / slots, sentence))
    if not found and fullest[1]:
        found.append(Guard(CAPACITY, Verdict.PASSED, fullest[1]))
    return found


def _too_few(turn: Turn, group: Group, need: float, slots: int) -> Guard:
    silent = turn.silent(group.takers)
    unknown = f" (nothing fresh is known of {silent}, which counts as nothing)" if silent else ""
    sentence = f"{group.subject} keeps {need:.3g} slots busy, and {need * HEADROOM:.3g} with a quarter to spare"
    hint = "start more instances of it elsewhere first, or take fewer hosts at once"
    return Guard(CAPACITY, Verdict.REFUSED, f"{sentence}; {slots} remain{unknown}", group.subject, hint)


def statistics(case: Case) -> list[Guard]:
    """Something fresh has to be known of what remains, or of what is given more. Who goes may be silent."""
    found: list[Guard] = []
    judged = False
    for turn in case.turns:
        for group in turn.groups():
            well = [one for one in group.takers if not one.failing]
            if not well or not (group.smaller or group.rising):
                continue
            judged = True
            if not turn.certain(well):
                verdict = Verdict.WARNED if turn.flight else Verdict.REFUSED
                sentence = f"nothing fresh is known of what remains for {group.subject}: {turn.silent(well)} is silent"
                found.append(Guard(STATISTICS, verdict, sentence, group.subject, "see what is wrong there: h2o hosts"))
    if judged and not found:
        found.append(Guard(STATISTICS, Verdict.PASSED, "what remains has reported in the last 10 s"))
    return found


def cap(case: Case) -> list[Guard]:
    """No version is given more than 0.8 of what it can take; leaving a failing version warns, and never refuses."""
    found: list[Guard] = []
    judged = False
    for turn in case.turns:
        if turn.will.by_load or not turn.rising:
            continue
        judged = True
        found += _over(turn)
        if turn.need.busy is None:
            sentence = f"what {turn.name} needs is not known: nobody can tell whether it fits"
            found.append(Guard(CAP, Verdict.WARNED, sentence, turn.name))
    if judged and not found:
        found.append(Guard(CAP, Verdict.PASSED, "each version can take what it is given"))
    return found


def _over(turn: Turn) -> list[Guard]:
    was, will = turn.was, turn.will
    slots = {version: sum(one.slots for one in turn.certain(members)) for version, members in will.takers.items()}
    given = {version: parts for version, parts in will.given.items() if slots.get(version) or not _well(will, version)}
    return [
        Guard(
            CAP,
            Verdict.REFUSED if one.refused else Verdict.WARNED,
            f"{turn.name} {one.sentence}",
            f"{turn.name} {one.version}",
        )
        for one in over_cap(was.given, given, slots, turn.need.busy or 0.0, turn.left())
    ]


def _well(route: Route, version: str) -> bool:
    """It has somebody who could take requests; when nothing fresh is known of them, another guard says so."""
    return any(not one.failing for one in route.takers.get(version, ()))
