"""The question whether this console may change something, where there is no plan to be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from h2o_console.acting.deed import UNSEEN_S
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.plan_lines import paragraph
from h2o_console.text import safe
from h2o_console.tui.acting.page import Page, Press, asked

if TYPE_CHECKING:
    from h2o_console.tui.commands.lines import Lines


class Arm(Page):
    """For *what*; *arm* hears a yes, *leave* a no. A key that came before it was seen is no answer."""

    def __init__(self, what: str, arm: Callable[[], None], leave: Callable[[], None]) -> None:
        self._what = what
        self._arm = arm
        self._leave = leave
        self._seen_s: float | None = None

    def painted(self, look: int, now_s: float) -> None:
        """It is on the screen since then."""
        del look
        self._seen_s = now_s

    def title(self) -> Sequence[Cell]:
        """What for."""
        return (Cell(safe(self._what, 200), Tone.NAME),)

    def lines(self, width: int) -> Sequence[Line]:
        """Why it is asked."""
        return list(paragraph("why", "Nothing can be changed from here until it is armed.", Tone.PLAIN, width))

    def foot(self, width: int) -> Sequence[Line]:
        """What to press."""
        return [asked("READ-ONLY: a arms for 15 min", "esc leaves", Tone.NOTE, width)]

    def press(self, pressed: Press, lines: Lines) -> None:
        """Yes, or no."""
        del lines
        seen = self._seen_s is not None and pressed.at_s >= self._seen_s + UNSEEN_S
        if pressed.key in {"escape", "q"}:
            self._leave()
        elif pressed.key == "a" and seen:
            self._arm()
