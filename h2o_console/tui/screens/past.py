"""A detail with graphs of the past: what its hosts' agents remember, over the time that the person chose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from h2o_console.rows.change_marks import Changes, changes_about
from h2o_console.tui.past_pane import PastPane
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen

if TYPE_CHECKING:
    from h2o_console.rows.past_graphs import Measure
    from h2o_console.rows.places import Look, Place
    from h2o_console.tui.session import Session

_TOLD: Final = 100
"""So many entries of the journal the store holds: where there are as many, there may be older ones."""


class PastScreen(DetailScreen):
    """*package* "": the past of all that the hosts do. A subclass says whose it is in `news`, and where it stands."""

    hints: ClassVar[tuple[str, ...]] = ("open", "act", "describe", "span", "back", "help", "freeze", "quit")
    every_s: ClassVar[float] = ONCE_A_SECOND

    def __init__(
        self, session: Session, place: Place, look: Look, measures: Sequence[Measure], package: str = ""
    ) -> None:
        super().__init__(session, place, look)
        self.past = PastPane(session, measures, package)

    def changes(self, package: str = "", hosts: Iterable[str] = ()) -> Changes | None:
        """What was decided of these; None while no agent has told."""
        control = self.session.store.control
        if control is None:
            return None
        return changes_about(control.entries, package, hosts, more=len(control.entries) >= _TOLD)
