"""What `h2o undo` does: finds the change that is meant, says whose it is, and takes it back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from h2o_console.acting.request import undo_request
from h2o_console.cli.changing import Change
from h2o_console.cli.failures import CommandFailed, Exit
from h2o_console.cli.register import in_register
from h2o_console.commands.journal import Wanted, read_journal
from h2o_core.io.clock import unix_s
from h2o_core.times import clock

if TYPE_CHECKING:
    from h2o_console.cli.agreeing import How
    from h2o_console.cli.options import Reading
    from h2o_console.commands.journal import Journal
    from h2o_core.audit import Entry

_LOOK_BACK: Final = 1_000
"""One's own last change is looked for among so many."""


def run(typed: str, told: Reading, how: How, *, over: bool) -> Exit:
    """Raises CommandFailed when nothing is taken back."""
    change = Change("h2o undo", told, how)
    actor = change.author.actor
    wanted = Wanted(change=typed) if typed else Wanted(actor=_literal(actor))
    journal = in_register(change.context, told.timeout_s, lambda registry: read_journal(registry, wanted, _LOOK_BACK))
    entry = named(journal, typed) if typed else own_last(journal, actor)
    asked = undo_request(entry, actor, f"{clock(entry.at_s, unix_s())} UTC")
    return change.run((asked.over or asked).wish if over else asked.wish, again="h2o journal", whose=asked.whose)


def named(journal: Journal, typed: str) -> Entry:
    """The one that *typed* means; raises CommandFailed when there is none, or several."""
    if not journal.entries:
        raise CommandFailed(Exit.NO_MATCH, f"there is no change {typed!r}", "see what there is: h2o journal")
    exact = [one for one in journal.entries if typed in {one.change_id, str(one.epoch)}]
    if len(exact or journal.entries) > 1:
        ids = ", ".join(one.change_id for one in journal.entries[:5])
        raise CommandFailed(Exit.USAGE, f"{typed!r} is the beginning of several changes: {ids}", "type more of it")
    return (exact or journal.entries)[0]


def own_last(journal: Journal, actor: str) -> Entry:
    """The newest that stands; undos are no changes to be undone, so that typing it again goes one further back."""
    for one in journal.entries:
        if one.author.actor == actor and not one.undo_of and one.change_id not in journal.undone_by:
            return one
    msg = f"{actor} has changed nothing that stands"
    raise CommandFailed(Exit.NO_MATCH, msg, "take back another's: h2o journal, then h2o undo ID")


def _literal(name: str) -> str:
    """As a glob that means this name alone."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)
