"""From what somebody wants to a plan: edits, effect, guards, the way back. Pure.

Plan and apply are one code: `h2o_core.io.changes.execute` asks for the plan again and writes its edits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2o_core.documents import MAX_TEXT
from h2o_core.names import from_dotted
from h2o_core.plan.draining import avoid, drain, extend, restore
from h2o_core.plan.effects import effect_of
from h2o_core.plan.experiments import start, stop
from h2o_core.plan.friction import friction_of
from h2o_core.plan.guards import judge
from h2o_core.plan.intents import (
    Avoid,
    ChangeSettings,
    Drain,
    Extend,
    Restore,
    RollBack,
    Shift,
    StartExperiment,
    StopExperiment,
    Undo,
)
from h2o_core.plan.plan import CannotPlan, Plan
from h2o_core.plan.reviewing import review
from h2o_core.plan.routes import routes
from h2o_core.plan.setting import change
from h2o_core.plan.shifting import roll_back, shift
from h2o_core.plan.situation import TRAFFICS
from h2o_core.plan.turns import Case, turns_of
from h2o_core.plan.undoing import undo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from h2o_core.audit import Author
    from h2o_core.plan.draft import Draft
    from h2o_core.plan.intents import Intent
    from h2o_core.plan.situation import Situation


def plan(intent: Intent, situation: Situation, author: Author, now_s: float) -> Plan:
    """What *intent* comes to in *situation*; raises CannotPlan with a sentence and what to type instead."""
    _check_reason(author)
    draft = _PLANNERS[type(intent)](intent, situation, author, now_s)
    before, fleet = situation.decided, situation.fleet
    after = before.with_edits(draft.edits)
    touched = {from_dotted(edit.path.removeprefix(TRAFFICS)) for edit in draft.edits if edit.path.startswith(TRAFFICS)}
    was, will = routes(before, fleet, touched), routes(after, fleet, touched)
    turns = tuple(turns_of(before, after, was, will, fleet))
    case = Case(fleet, before, after, turns)
    effect = effect_of(was, will, fleet, touched)
    guards = judge(case, draft.guards)
    return Plan(
        intent=intent,
        epoch=before.epoch,
        sentence=draft.sentence,
        edits=draft.edits,
        effect=effect,
        guards=guards,
        undo=draft.undo,
        command=draft.command,
        friction=friction_of(draft, effect, guards, case),
        remarks=(*draft.remarks, *_silent(case)),
        until_s=draft.until_s,
        undo_of=draft.undo_of,
    )


def _check_reason(author: Author) -> None:
    """It stands in documents and in the journal, which take a line each."""
    if not author.reason.isprintable() or len(author.reason) > MAX_TEXT:
        msg = f"a reason is one line of at most {MAX_TEXT:,} characters, without control characters"
        raise CannotPlan(msg, "--reason 'disk full, INC-1234'")


def _silent(case: Case) -> list[str]:
    """Hosts that the predictions leave out: what they do now is not in the demand."""
    hosts = {
        one.host
        for turn in case.turns
        for route in (turn.was, turn.will)
        for members in route.crowd.values()
        for one in members
        if one.host not in case.fleet.hosts or not case.fleet.hosts[one.host].fresh
    }
    return [f"{', '.join(sorted(hosts))}: nothing fresh is known, so it counts as nothing"] if hosts else []


def _extended(intent: Extend, situation: Situation, author: Author, now_s: float) -> Draft:
    if bool(intent.hosts) == bool(intent.package):
        msg = "name hosts, or a package"
        raise CannotPlan(msg, "h2o extend host-1 --until 4h")
    return (review if intent.package else extend)(intent, situation, author, now_s)


_PLANNERS: Final[Mapping[type, Callable[[Any, Situation, Author, float], Draft]]] = {
    Shift: shift,
    RollBack: roll_back,
    Drain: drain,
    Avoid: avoid,
    Restore: restore,
    Extend: _extended,
    Undo: undo,
    ChangeSettings: change,
    StartExperiment: start,
    StopExperiment: stop,
}
