"""A plan in the dialog: what it would do, and what has to be pressed for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from h2o_console.acting.deed import Asks, Deed, Do, Phase
from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.rows.plan_lines import paragraph, plan_lines
from h2o_console.text import safe
from h2o_console.tui.acting.page import Page, Press, asked

if TYPE_CHECKING:
    from h2o_console.tui.commands.lines import Lines

_SCROLLS: Final = {"down": 1, "up": -1}
_PAGES: Final = {"pagedown": 1, "pageup": -1}
_LETTERS: Final = {"j": 1, "k": -1}


class Planned(Page):
    """Of *deed*. *do* hears what a key asks for, *copy* a command. *of*: which of how many, "" for the only one.

    `silent`: hosts that said nothing of themselves → why.
    """

    def __init__(self, deed: Deed, of: str, do: Callable[[Do], None], copy: Callable[[str], None]) -> None:
        self.deed = deed
        self._copy = copy
        self.silent: Mapping[str, str] = {}
        self._of = of
        self._do = do

    @property
    def look(self) -> int:
        """The deed's."""
        return self.deed.look

    def painted(self, look: int, now_s: float) -> None:
        """Keys that come a moment later are meant for it."""
        self.deed.painted(look, now_s)

    def title(self) -> Sequence[Cell]:
        """About whom, and which of how many."""
        cells = [Cell(safe(self.deed.request.about, 200), Tone.NAME)]
        return [*cells, Cell(f"   {self._of}", Tone.DIM)] if self._of else cells

    def lines(self, width: int) -> Sequence[Line]:
        """Why it is shown again, whose it is, who is besides, and the plan; a cell from the edge."""
        inner = self._inner(max(width - 1, 1))
        return [Line(line.key, (Cell(" "), *line.cells), selectable=line.selectable) for line in inner]

    def _inner(self, width: int) -> list[Line]:
        deed, request = self.deed, self.deed.request
        found: list[Line] = []
        if deed.meanwhile:
            found += paragraph("meanwhile", f"Planned again. {deed.meanwhile}", Tone.WARN, width)
        if request.whose:
            found += paragraph("whose", request.whose, Tone.WARN, width)
        if request.besides:
            found += paragraph("besides", f"{request.besides}.", Tone.NOTE, width)
        if deed.phase is Phase.FAILED:
            found += paragraph("why", deed.why, Tone.BAD, width)
            found += paragraph("hint", deed.hint, Tone.PLAIN, width) if deed.hint else ()
        elif deed.plan is not None:
            found += plan_lines(deed.plan, self.silent, width)
        else:
            found += paragraph("asking", "Asking the register and all agents what it would do…", Tone.DIM, width)
        return found

    def foot(self, width: int) -> Sequence[Line]:
        """The question."""
        return [asked(*self._question(), width)]

    def _question(self) -> tuple[str, str, Tone]:
        deed = self.deed
        also = (
            "esc leaves · tab: reason and times · c copies"
            if deed.request.form is not None
            else "esc leaves · c copies"
        )
        if deed.phase is Phase.WRITING:
            return "It is being written.", "esc closes this, and it goes on", Tone.WARN
        if deed.phase is Phase.FAILED:
            over = "o: put back all the same · " if deed.may_over else ""
            return "Nothing was changed.", f"esc leaves · {over}r plans again", Tone.WARN
        if deed.phase is Phase.PREPARING:
            return "Planning…", "esc leaves", Tone.DIM
        name = safe(deed.plan.friction.name, 80) if deed.plan is not None else ""
        match deed.asks:
            case Asks.ARM:
                return "READ-ONLY: a arms for 15 min", also, Tone.NOTE
            case Asks.ENTER:
                return "Enter decides it", also, Tone.KEY
            case Asks.YES:
                return "y decides it", also, Tone.KEY
            case Asks.NAME:
                refused = deed.plan is not None and deed.plan.refused
                told = "A guard refuses it. To force it type" if refused else "To decide it type"
                return f"{told} {name}: {safe(deed.typed, 80)}_", also, Tone.WARN
            case Asks.NOTHING:
                return "Nothing to decide.", also, Tone.DIM

    def press(self, pressed: Press, lines: Lines) -> None:
        """What scrolls harms nothing; the rest is the deed's."""
        letters = {} if self.deed.asks is Asks.NAME else _LETTERS
        if letters and pressed.key == "c" and self.deed.plan is not None:
            self._copy(self.deed.plan.command)
            return
        if pressed.key in _PAGES:
            lines.page(_PAGES[pressed.key])
        elif (by := _SCROLLS.get(pressed.key) or letters.get(pressed.key)) is not None:
            lines.move(by)
        else:
            self._do(self.deed.press(pressed.key, pressed.character, pressed.at_s))
