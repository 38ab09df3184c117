"""A plan that takes a change back: the bytes that were there before it, if what it left is still there. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from h2o_core.audit import Edit
from h2o_core.control.hosts import parse_host_control
from h2o_core.control.settings import parse_settings
from h2o_core.control.traffic import parse_traffic
from h2o_core.documents import InvalidDocument
from h2o_core.plan import commands
from h2o_core.plan.draft import Draft
from h2o_core.plan.plan import CannotPlan
from h2o_core.plan.situation import HOSTS, SETTINGS, TRAFFICS
from h2o_core.verdicts import OTHERS, Guard, Verdict

if TYPE_CHECKING:
    from h2o_core.audit import Author, Entry
    from h2o_core.plan.intents import Undo
    from h2o_core.plan.situation import Decided, Situation


def undo(intent: Undo, situation: Situation, author: Author, now_s: float) -> Draft:
    """Raises CannotPlan when something else stands there by now, and it is not to be written `over`."""
    decided, entry = situation.decided, intent.entry
    standing = [(edit, decided.documents.get(edit.path)) for edit in entry.edits]
    open_ = [(edit, now) for edit, now in standing if now != edit.before]
    moved = [edit for edit, now in open_ if now != edit.after]
    if moved and not intent.over:
        raise _three_ways(entry, moved, decided, now_s)
    over = ["--over"] if intent.over else []
    sentence = f"takes back change {entry.epoch} of {entry.author.actor}: {_what(entry)}"
    return Draft(
        edits=tuple(Edit(edit.path, now, edit.before) for edit, now in open_),
        sentence=sentence if open_ else f"change {entry.epoch} is taken back already",
        command=commands.line("undo", entry.change_id, *over, reason=author.reason),
        undo=commands.UNDO,
        name=_name(entry),
        guards=tuple(_written_over(edit, decided) for edit in moved),
        undo_of=entry.change_id,
    )


def _written_over(edit: Edit, decided: Decided) -> Guard:
    return Guard(
        OTHERS, Verdict.WARNED, f"writes over what {_who(edit.path, decided)} decided of {edit.path}", edit.path
    )


def _who(path: str, decided: Decided) -> str:
    epoch = decided.last_change(path)
    return f"change {epoch}" if epoch is not None else "somebody"


def _what(entry: Entry) -> str:
    return entry.sentence or ", ".join(edit.path for edit in entry.edits)


def _name(entry: Entry) -> str:
    """What a person types who forces it: the package or host, or the change."""
    if len(entry.edits) != 1:
        return entry.change_id
    name = entry.edits[0].path.rpartition("/")[2]
    return name.replace(".", "/", 1) if entry.edits[0].path.startswith(TRAFFICS) else name


def _three_ways(entry: Entry, moved: list[Edit], decided: Decided, now_s: float) -> CannotPlan:
    """Keep it, force it back, or go there by hand."""
    named = ", ".join(f"{edit.path} ({_who(edit.path, decided)})" for edit in moved)
    by_hand = " && ".join(_by_hand(edit, now_s) for edit in entry.edits)
    return CannotPlan(
        f"change {entry.epoch} can't simply be taken back: something else was decided since, of {named}",
        "keep what is there: do nothing; "
        f"or put back what was before, whatever is there: {commands.line('undo', entry.change_id, '--over')}; "
        f"or go there by hand: {by_hand}",
    )


def _by_hand(edit: Edit, now_s: float) -> str:
    """What decides as the bytes before the change do; where no command can, what shows how it stands."""
    path, data = edit.path, edit.before
    name = path.rpartition("/")[2]
    try:
        if path.startswith(HOSTS):
            return commands.undrain([name]) if data is None else commands.host(parse_host_control(path, data), now_s)
        if path.startswith(TRAFFICS) and data is not None:
            return commands.weight(parse_traffic(path, data))
        if path == SETTINGS and data is not None:
            return commands.settings(parse_settings(path, data))
    except InvalidDocument:
        pass  # it was damaged before the change as well
    return commands.line("settings") if path == SETTINGS else commands.line("weight", name.replace(".", "/", 1))
