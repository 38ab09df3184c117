"""A plan that changes the fleet's settings. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from h2o_core.audit import Edit
from h2o_core.control.settings import NewVersions, TierRule, encode_settings
from h2o_core.plan import commands
from h2o_core.plan.draft import Draft
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.situation import SETTINGS

if TYPE_CHECKING:
    from h2o_core.audit import Author
    from h2o_core.plan.intents import ChangeSettings
    from h2o_core.plan.situation import Situation

KINDS: Final = {"new_versions": NewVersions, "tiers": TierRule}
"""Each setting by name, with what it may be."""


def change(intent: ChangeSettings, situation: Situation, author: Author, _now_s: float) -> Draft:
    """Raises CannotPlan for what is no setting, or no value of one."""
    before = situation.decided.settings
    after = before
    for name, value in intent.settings.items():
        kind = KINDS.get(name)
        if kind is None or value not in set(kind):
            known = "; ".join(f"{each}={'|'.join(of)}" for each, of in KINDS.items())
            msg = f"{f'{name}={value}'!a:.80} is no setting; there are {known}"
            raise CannotPlan(msg, "h2o settings tiers=warn")
        after = replace(after, **{name: kind(value)})
    changed = [name for name in KINDS if getattr(before, name) != getattr(after, name)]
    data = situation.decided.documents.get(SETTINGS)
    bad = situation.decided.unreadable.get(SETTINGS)
    edit = Edit(SETTINGS, data, encode_settings(after))
    words = [f"{name}={value}" for name, value in intent.settings.items()]
    said = ", ".join(f"{name}: {getattr(before, name)} → {getattr(after, name)}" for name in changed)
    return Draft(
        edits=() if not changed and data is not None and bad is None else (edit,),
        sentence=said or "the settings stay as they are",
        command=commands.line("settings", *words, reason=author.reason),
        undo=commands.settings(before) if bad is None else commands.UNDO,
        name="settings",
        remarks=() if bad is None else (f"what stands there can't be read, and is replaced: {bad}",),
    )
