"""One's own changes, as the audit has them before it can be read back, and which of them `u` takes back. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from h2o_core.audit import Entry

if TYPE_CHECKING:
    from h2o_core.audit import Author
    from h2o_core.io.changes import Applied
    from h2o_core.plan.plan import Plan

FRESH_S: Final = 900.0
"""One's own change is taken back by `u` for so long; later it is done in the journal."""


class Own:
    """What has been written from here."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def add(self, applied: Applied, plan: Plan, author: Author, at_s: float) -> None:
        """One more, which is in the register."""
        sentence, undo_of = plan.sentence, plan.undo_of
        self._entries.append(
            Entry(applied.epoch, applied.change_id, at_s, author, plan.edits, sentence, undo_of=undo_of)
        )

    def to_take_back(self, others: Iterable[Entry], actor: str, now_s: float) -> Entry | None:
        """The last fresh one by *actor* that stands; *others*: what the journal holds besides.

        An undo is no change to be undone: once more goes one further back.
        """
        every = {one.change_id: one for one in (*self._entries, *others) if one.author.actor == actor}
        undone = {one.undo_of for one in every.values()}
        fresh = [one for one in every.values() if now_s - one.at_s < FRESH_S and not one.undo_of]
        stands = [one for one in fresh if one.change_id not in undone]
        return max(stands, key=lambda one: one.epoch, default=None)
