"""One finding in full; when it closes while somebody reads it, that is said, and what it was stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.finding_detail import Beside, finding_lines
from h2o_console.rows.triage import found
from h2o_console.text import safe
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen
from h2o_console.tui.screens.finding_offers import offers

if TYPE_CHECKING:
    from h2o_console.rows.places import Look, Place
    from h2o_console.rows.told import Said
    from h2o_console.tui.acting.offer import Actor, Offer
    from h2o_console.tui.session import Session


class FindingScreen(DetailScreen):
    """A finding, live."""

    every_s: ClassVar[float] = ONCE_A_SECOND
    hints: ClassVar[tuple[str, ...]] = ("act", "open", "copy", "back", "help", "freeze", "quit")

    def __init__(self, session: Session, place: Place, look: Look) -> None:
        super().__init__(session, place, look)
        self._known: Said | None = None
        self._closed_s: float | None = None

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the findings."""
        return ("triage",)

    @property
    def known(self) -> Said | None:
        """As it is, or as it was when it was open last; None when it was never open while this screen was."""
        return self._known

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        del now_s
        session, wall_s = self.session, self.session.wall()
        open_now = found(session.insight, self.place.key)
        if open_now is not None:
            self._known, self._closed_s = open_now, None
        elif self._closed_s is None:
            self._closed_s = wall_s
        if self._known is None:
            return ()
        control = session.control
        beside = (
            Beside(closed_s=self._closed_s)
            if control is None
            else Beside(control.notes, control.entries, self._closed_s)
        )
        return finding_lines(self._known, beside, wall_s, width)

    def empty(self) -> Sequence[Cell]:
        """It closed before."""
        if self.session.insight is None:
            return (Cell("Looking…", Tone.DIM),)
        return (
            Cell(
                f"This finding about {safe(self.place.crumb, 80)} is closed, or another one explains it by now.",
                Tone.GOOD,
            ),
            Cell("esc: back · 1: what is open", Tone.DIM),
        )

    def actions(self, key: str, desk: Actor) -> Sequence[Offer]:
        """Who looks after it, and until when it is quiet; of one that is closed nothing."""
        del key
        control = self.session.control
        notes = () if control is None else control.notes
        if self._known is None or self._closed_s is not None:
            return ()
        return offers(self._known.finding.key, notes, desk)

    def copied(self, key: str) -> str:
        """The command that does the same; without one, the sentence."""
        del key
        if self._known is None:
            return ""
        one = self._known.finding
        return safe(one.action.command if one.action is not None and self._known.is_cause else one.sentence, 1000)

    def look_at(self, visible: Sequence[str]) -> None:
        """Whom it is about is asked each second."""
        del visible
        subject = None if self._known is None else self._known.finding.subject
        package = () if subject is None or not subject.package else (subject.package.removeprefix("/"),)
        self.session.look_at(package, () if subject is None or not subject.host else (subject.host,))
