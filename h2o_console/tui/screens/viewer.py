"""Resources as JSON: what the store holds of one, or of several that were marked, live, to be read and copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.documents import json_lines, json_text
from h2o_console.tui.resources import values_of
from h2o_console.tui.screens.detail import ONCE_A_SECOND, DetailScreen


class JsonScreen(DetailScreen):
    """The resources that `place` names, whatever their kind."""

    every_s: ClassVar[float] = ONCE_A_SECOND
    has_cursor: ClassVar[bool] = False
    hints: ClassVar[tuple[str, ...]] = ("copy", "back", "help", "freeze", "quit")

    @property
    def crumb(self) -> str:
        """Whose it is."""
        return f"{self.place.crumb} json"

    def lines(self, now_s: float, width: int) -> Sequence[Line]:
        """The document as it is now."""
        value = values_of(self.session, self.place, now_s)
        return () if value is None else json_lines(value, width)

    def copied(self, key: str) -> str:
        """All of it."""
        del key
        return json_text(values_of(self.session, self.place, self.session.clock()))

    def empty(self) -> Sequence[Cell]:
        """It went while somebody looked at it."""
        return Cell("Nothing is known of it any more.", Tone.WARN), Cell("esc: back", Tone.DIM)
