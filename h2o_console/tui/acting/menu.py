"""The menu of changes: what can be done with what is meant, each by one letter, and why the rest can't."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.text import pad, safe
from h2o_console.tui.acting.page import Page, Press, asked

if TYPE_CHECKING:
    from h2o_console.tui.acting.offer import Offer
    from h2o_console.tui.commands.lines import Lines

_MOVES: Final = {"down": 1, "up": -1}
_LEAVE: Final = frozenset({"escape", "q", "backspace", "a"})


class Menu(Page):
    """Of *offers*, about what is called *name*. *leave* hears that nothing is wanted."""

    has_cursor = True

    def __init__(self, name: str, offers: Sequence[Offer], besides: str, leave: Callable[[], None]) -> None:
        self._name = name
        self._besides = besides
        self._leave = leave
        self._offers = {one.letter: one for one in sorted(offers, key=lambda one: one.run is None)}
        self._said = ""

    def title(self) -> Sequence[Cell]:
        """About whom."""
        return (Cell(safe(self._name, 200), Tone.NAME),)

    def lines(self, width: int) -> Sequence[Line]:
        """What is possible first."""
        return [self._line(one, width) for one in self._offers.values()]

    def _line(self, one: Offer, width: int) -> Line:
        if one.run is not None:
            cells = Cell(f" {one.letter} ", Tone.KEY), Cell(pad(f" {safe(one.does, 80)}", max(width - 3, 0)))
            return Line(one.letter, cells)
        text = f" {one.letter}  {one.does}: {safe(one.why, 120)}"
        return Line(one.letter, (Cell(pad(text, width), Tone.UNKNOWN),), selectable=False)

    def foot(self, width: int) -> Sequence[Line]:
        """What is marked and not seen, and why a letter did nothing."""
        found = [asked(self._besides, "", Tone.NOTE, width)] if self._besides else []
        if self._said:
            return [*found, asked(self._said, "", Tone.WARN, width)]
        return [*found, asked("a letter shows its plan", "esc leaves", Tone.DIM, width)]

    def press(self, pressed: Press, lines: Lines) -> None:
        """A letter, or the arrows and enter."""
        if pressed.key in _LEAVE and pressed.key not in self._offers:
            self._leave()
        elif pressed.key in _MOVES:
            lines.move(_MOVES[pressed.key])
        else:
            self.picked(lines.cursor if pressed.key == "enter" else pressed.character)

    def picked(self, key: str) -> None:
        """It begins, or it is said why not."""
        offer = self._offers.get(key)
        if offer is None:
            return
        if offer.run is None:
            self._said = f"{offer.does}: {safe(offer.why, 200)}"
        else:
            offer.run()
