"""One instance in full: what it does, its process, its checks and features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.instance_detail import instance_lines
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen

if TYPE_CHECKING:
    from h2o_console.rows.places import Place


class InstanceScreen(DetailScreen):
    """An instance, live."""

    every_s: ClassVar[float] = ONCE_A_SECOND

    hints: ClassVar[tuple[str, ...]] = ("open", "act", "describe", "back", "help", "freeze", "quit")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the instances."""
        return ("instances",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        detail = self.session.instance(self.place.key, now_s)
        return (
            ()
            if detail is None
            else instance_lines(detail, self.session.told, width, ascii_only=self.session.ascii_only)
        )

    def resource(self, key: str) -> Place | None:
        """The instance, wherever the cursor is: its package and host are only ways on."""
        del key
        return self.place

    def empty(self) -> Sequence[Cell]:
        """It ended."""
        return (
            Cell("This instance is gone; an id is never used twice.", Tone.WARN),
            Cell("esc: back", Tone.DIM),
        )

    def look_at(self, visible: Sequence[str]) -> None:
        """Its host's numbers are wanted."""
        del visible
        self.session.look_at((), hosts=(self.session.host_of(self.place.key),))
