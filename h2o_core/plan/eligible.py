"""Guards that count instances: the last one of a package or version, and fewer than an author wants. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.figures import many
from h2o_core.verdicts import LAST_INSTANCE, MIN_AVAILABLE, Guard, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from h2o_core.plan.situation import Decided, Instance
    from h2o_core.plan.turns import Case, Turn


def last_instance(case: Case) -> list[Guard]:
    """The last one that can take requests of a package, or of a version that weights or rules give something.

    Where all fail, the last one is no loss: that warns. So does an avoid after which nobody but avoided hosts is left:
    those still take what nobody else can.
    """
    found = [guard for turn in case.turns for guard in (*_last(turn, case.after), *_only_avoided(turn, case))]
    if not found and any(turn.lost for turn in case.turns):
        found.append(Guard(LAST_INSTANCE, Verdict.PASSED, "every package and version keeps an instance"))
    return found


def min_available(case: Case) -> list[Guard]:
    """Fewer instances that can be counted on than the package's author wants."""
    found: list[Guard] = []
    judged = False
    for turn in case.turns:
        had, has = len(turn.was.well), len(turn.will.well)
        judged = judged or (has < had and turn.least > 0)
        if has < min(had, turn.least):
            sentence = f"{turn.name} wants at least {many(turn.least, 'instance')}; {has} would be left"
            hint = "start more instances elsewhere first"
            found.append(Guard(MIN_AVAILABLE, Verdict.REFUSED, sentence, turn.name, hint))
    if judged and not found:
        found.append(Guard(MIN_AVAILABLE, Verdict.PASSED, "every package keeps as many instances as it wants"))
    return found


def _last(turn: Turn, after: Decided) -> Iterator[Guard]:
    was, will = turn.was, turn.will
    if (was.crowd and not will.crowd) or (was.well and not will.well):
        everybody = [one for members in was.crowd.values() for one in members]
        yield _taken(turn.name, was.well or everybody, failing=not was.well)
    elif not was.by_load:
        for version in sorted(_wanted(turn, after)):
            had, has = was.crowd.get(version, ()), will.crowd.get(version, ())
            well = [one for one in had if not one.failing]
            if (had and not has) or (well and all(one.failing for one in has)):
                yield _taken(f"{turn.name} {version}", well or had, failing=not well)


def _wanted(turn: Turn, after: Decided) -> Collection[str]:
    """Versions that get something afterwards, or would if they still had an instance."""
    traffic = after.traffic.get(turn.will.package)
    reached = {rule.version for rule in traffic.rules} if traffic is not None else set[str]()
    given = {version for version, parts in turn.will.given.items() if parts}
    served = {version for version, parts in turn.was.given.items() if parts and version not in turn.will.given}
    return reached | given | served


def _taken(subject: str, members: Iterable[Instance], *, failing: bool) -> Guard:
    hosts = ", ".join(sorted({one.host for one in members}))
    if failing:
        sentence = f"{subject} is on {hosts} alone; all its instances there fail anyway"
        return Guard(LAST_INSTANCE, Verdict.WARNED, sentence, subject)
    sentence = f"{hosts} has the last of {subject} that can take requests"
    hint = "start it elsewhere first; an avoided host still takes what nobody else can (h2o avoid)"
    return Guard(LAST_INSTANCE, Verdict.REFUSED, sentence, subject, hint)


def _only_avoided(turn: Turn, case: Case) -> Iterator[Guard]:
    for version, members in turn.will.takers.items():
        if not members or not turn.will.routed.get(version) or any(one.host not in case.after.hosts for one in members):
            continue
        if all(one.host in case.before.hosts for one in turn.was.takers.get(version, ())):
            continue
        subject = f"{turn.name} {version}"
        hosts = ", ".join(sorted({one.host for one in members}))
        sentence = f"nobody but {hosts} has a healthy {subject}: its requests go there all the same"
        yield Guard(LAST_INSTANCE, Verdict.WARNED, sentence, subject)
