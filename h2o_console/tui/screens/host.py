"""One host in full: the server, its broker, its instances and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.host_detail import host_lines
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen


class HostScreen(DetailScreen):
    """A host, live."""

    every_s: ClassVar[float] = ONCE_A_SECOND

    hints: ClassVar[tuple[str, ...]] = ("open", "describe", "back", "help", "freeze", "quit")

    @property
    def crumbs(self) -> tuple[str, ...]:
        """It is one of the hosts."""
        return ("hosts",)

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """Everything there is to say of it."""
        detail = self.session.store.host(self.place.key, now_s)
        return () if detail is None else host_lines(detail, width)

    def empty(self) -> Sequence[Cell]:
        """It left."""
        return (
            Cell("No host of this name is in the fleet any more.", Tone.WARN),
            Cell("esc: back", Tone.DIM),
        )

    def look_at(self, visible: Sequence[str]) -> None:
        """Its numbers are wanted."""
        del visible
        self.session.look_at((), hosts=(self.place.key,))
