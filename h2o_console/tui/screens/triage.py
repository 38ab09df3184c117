"""The first view: what is wrong, why, and what to do about it; causes with what they explain folded below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.cells import Cell, Line
from h2o_console.rows.places import Kind, Look, Place
from h2o_console.rows.ranking import STILL_S
from h2o_console.rows.triage import TRIAGE, FindingRow, found
from h2o_console.rows.triage_pane import Looked, about, pane_lines, quiet, summary
from h2o_console.tui.screens.finding_offers import offers
from h2o_console.tui.screens.listing import ListScreen

if TYPE_CHECKING:
    from h2o_console.tui.acting.offer import Actor, Offer
    from h2o_console.tui.session import Session


class TriageScreen(ListScreen[FindingRow]):
    """Findings, live. `unfolded`: causes below which what they explain is shown."""

    of = "findings"
    row_kind = Kind.FINDING
    hints: ClassVar[tuple[str, ...]] = (
        "open",
        "act",
        "explain",
        "type_filter",
        "help",
        "problems",
        "mark",
        "freeze",
        "quit",
    )

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look, TRIAGE, session.findings)
        self.unfolded: set[str] = set(look.unfolded)
        self._cursor = look.cursor
        self._touched_s = float("-inf")

    # which rows

    def chosen(self, rows: Mapping[str, FindingRow]) -> Mapping[str, FindingRow]:
        """Causes, and the symptoms of unfolded ones.

        The cursor's stays when another finding comes to explain it, if somebody has put the cursor there.
        """
        put = bool(self.began.cursor) or self._touched_s > float("-inf")
        return {
            key: row
            for key, row in rows.items()
            if not row.cause or row.cause in self.unfolded or row.cause not in rows or (put and key == self._cursor)
        }

    def touched(self) -> None:
        """Rows stand still for a while."""
        self._touched_s = self.session.clock()
        super().touched()

    def update(self, now_s: float, size: tuple[int, int], cursor: str) -> None:
        """As a list; what is explained stands below its cause also between two rankings."""
        self._cursor, before = cursor, set(self.order)
        super().update(now_s, size, cursor)
        self.order = self._below_their_causes(self.order)
        if now_s - self._touched_s < STILL_S:  # nothing comes in between while somebody types
            rows = self.rows()
            self.order = tuple(key for key in self.order if key in before or not rows[key].cause)

    def _below_their_causes(self, order: Sequence[str]) -> tuple[str, ...]:
        rows, below = self.rows(), dict[str, list[str]]()
        for key in order:
            if (cause := rows[key].cause) and cause in order:
                below.setdefault(cause, []).append(key)
        led = {key for keys in below.values() for key in keys}
        return tuple(one for key in order if key not in led for one in (key, *below.get(key, ())))

    def unfold(self, key: str) -> str:
        """Show or hide what the cause explains, or go to the cause of a symptom: the key to be under the cursor."""
        row = self.board.rows.get(key)
        if row is None:
            return key
        if row.cause:
            return row.cause if row.cause in self.board.rows else key
        if row.explains:
            self.unfolded ^= {key}
            self._cursor = key
            self.choose_anew()
        return key

    def left(self, cursor: str, top: int) -> Look:
        """With what is unfolded."""
        return replace(super().left(cursor, top), unfolded=tuple(self.unfolded))

    # what is shown

    def version(self, key: str, /) -> int:
        """Whether it is unfolded shows in its own line."""
        return 2 * super().version(key) + (key in self.unfolded)

    def shown(self, row: FindingRow) -> FindingRow:
        """With its own sign before how many it explains."""
        return replace(row, unfolded=True) if row.key in self.unfolded else row

    def heads(self) -> Sequence[Line]:
        """What was looked at, and the columns' names; an empty list says the same in its middle."""
        if not self.order and not self.rows():
            return ()
        return summary(self.session.insight, self._looked(), self.size[0]), *super().heads()

    def _looked(self) -> Looked:
        session = self.session
        looked = session.insight
        age_s = None if looked is None else max(0.0, session.clock() - looked.looked_s)
        unreadable = () if session.control is None else session.control.unreadable
        return Looked(session.fleet, age_s, session.control is not None, session.store.blindness, unreadable)

    def all_empty(self) -> Sequence[Cell]:
        """That all is well, and by what; or why nobody knows."""
        return quiet(self.session.insight, self._looked())

    def about(self, cursor: str) -> Sequence[Line]:
        """The evidence of the finding under the cursor, what was changed before it, and the command that acts."""
        row, known = self.board.rows.get(cursor), found(self.session.insight, cursor)
        if row is None or known is None:
            return (Line("", ()),) * pane_lines(self.size[1]) if self.order else ()
        return about(row, known.finding, known.group, self.session.wall(), self.size)

    def actions(self, key: str, desk: Actor) -> Sequence[Offer]:
        """Who looks after it, and until when it is quiet."""
        known, control = found(self.session.insight, key), self.session.control
        notes = () if control is None else control.notes
        return () if known is None else offers(known.finding.key, notes, desk)

    def copied(self, key: str) -> str:
        """The command that does the same."""
        row = self.board.rows.get(key)
        return "" if row is None else row.command or row.says

    def gone(self, key: str) -> str:
        """A finding closes by itself."""
        return "this finding is closed: it has been well for a while" if super().gone(key) else ""

    def watch(self, visible: Sequence[str]) -> None:
        """Whom the findings on screen are about; of a large fleet nobody.

        What stands here is what the last look has found, and there a look is rarer than every host is read anyway.
        """
        if self.session.store.thrifty:
            self.session.look_at(())
            return
        rows = self.board.rows
        packages, hosts = _subjects(rows[key] for key in visible if key in rows)
        self.session.look_at(packages, hosts)


def _subjects(rows: Iterable[FindingRow]) -> tuple[Iterable[str], Iterable[str]]:
    seen = list(rows)
    return dict.fromkeys(row.package for row in seen if row.package), {row.host for row in seen if row.host}
