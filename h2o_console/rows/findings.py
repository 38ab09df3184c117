"""All findings of the row under the cursor, as the pane below a list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from h2o_console.rows.cells import Cell, Glyph, Line, Tone
from h2o_console.text import pad

if TYPE_CHECKING:
    from h2o_console.rows.reasons import Reason

_FINDINGS: Final = 4
_ROOM: Final = 16
"""Lower terminals have no pane: the list needs its lines."""


def findings(name: str, glyph: Glyph, reasons: Sequence[Reason], size: tuple[int, int]) -> tuple[Line, ...]:
    """The name, the word for its state, and the first findings in full; always as high, so that nothing jumps."""
    width, height = size
    if height < _ROOM:
        return ()
    lines = [Line("", (Cell(f" {name} ", Tone.NAME), Cell(f" {glyph.word}", glyph.tone)))]
    for reason in reasons:
        for at, part in enumerate(wrap(reason.whole, max(width - 5, 10))):
            mark = Cell(f"  {reason.glyph.sign if at == 0 else ' '} ", reason.glyph.tone)
            lines.append(Line("", (mark, Cell(pad(part, max(width - 4, 0))))))
    lines += [Line("", ())] * (_FINDINGS + 1 - len(lines))
    return tuple(lines[: _FINDINGS + 1])
