"""How a person has to say that they mean a change: by what it does, not by what it is called. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.control.traffic import WHOLE
from h2o_core.plan.plan import Ask, Friction
from h2o_core.plan.situation import SETTINGS
from h2o_core.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from h2o_core.plan.draft import Draft
    from h2o_core.plan.plan import Effect
    from h2o_core.plan.turns import Case
    from h2o_core.verdicts import Guard


def friction_of(draft: Draft, effect: Effect, guards: Iterable[Guard], case: Case) -> Friction:
    """Nothing moves: Enter. Something does: yes. Forced, all of a package's requests, or several hosts: the name.

    Leaving a failing version takes no more than yes: it is done at three in the morning.
    """
    if not draft.edits:
        return Friction(Ask.ENTER)
    if any(guard.verdict is Verdict.REFUSED for guard in guards):
        return Friction(Ask.NAME, draft.name)
    if effect.moved_parts >= WHOLE and not any(turn.flight for turn in case.turns):
        return Friction(Ask.NAME, draft.name)
    if len(case.after.hosts.keys() - case.before.hosts.keys()) > 1:
        return Friction(Ask.NAME, draft.name)
    harmless = not (effect.instances or effect.moved_parts) and all(edit.path != SETTINGS for edit in draft.edits)
    fewer = case.before.hosts.keys() != case.after.hosts.keys()
    return Friction(Ask.ENTER if harmless and not fewer else Ask.YES)
