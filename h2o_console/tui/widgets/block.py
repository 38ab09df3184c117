"""A few lines of cells that change in place: header, column heads, findings, status. Paints only what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from rich.segment import Segment
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from h2o_console.rows.cells import Line, Tone, in_ascii
from h2o_console.text import char_width
from h2o_console.tui.themes import ascii_of, palette_of

if TYPE_CHECKING:
    from rich.style import Style
    from textual.events import Click

_CLOSE: Final = 6
"""Going there costs as many bytes as so many characters between."""


def painted(line: Line, styles: Mapping[Tone, Style], width: int, *, ascii_only: bool) -> Strip:
    """*line* as exactly *width* cells."""
    shown = ((in_ascii(cell.text) if ascii_only else cell.text, cell.tone) for cell in line.cells)
    segments = [Segment(text, styles[tone]) for text, tone in shown if text]
    return Strip(segments).adjust_cell_length(width, styles[Tone.PLAIN])


def changed_spans(before: Line, after: Line) -> list[tuple[int, int]]:
    """(first cell, number of cells) of each place in which two lines differ; what stands close together is one."""
    if before.cells == after.cells:
        return []
    old, new = _characters(before), _characters(after)
    if len(old) != len(new):
        return [(0, max(len(old), len(new)))]
    spans: list[tuple[int, int]] = []
    for at in (at for at, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]):
        first, cells = spans[-1] if spans else (0, 0)
        if spans and at - (first + cells) <= _CLOSE:
            spans[-1] = first, at + 1 - first
        else:
            spans.append((at, 1))
    return [_whole_characters(new, first, cells) for first, cells in spans]


def _characters(line: Line) -> list[tuple[str, Tone]]:
    """What each cell shows; a wide character is in its first one, "" in its second."""
    found: list[tuple[str, Tone]] = []
    for cell in line.cells:
        if cell.text.isascii():
            found += [(char, cell.tone) for char in cell.text]
            continue
        for char in cell.text:
            cells = char_width(char)
            if cells:
                found += [(char, cell.tone), ("", cell.tone)][:cells]
            elif found:
                found[-1] = found[-1][0] + char, cell.tone
    return found


def _whole_characters(shown: Sequence[tuple[str, Tone]], first: int, cells: int) -> tuple[int, int]:
    end = first + cells
    first -= not shown[first][0]
    end += end < len(shown) and not shown[end][0]
    return first, end - first


class Block(Widget):
    """As many lines as it is given; `frame` puts it on the framing ground."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Block { height: 1; width: 1fr; }
    """

    class Clicked(Message):
        """A click on one of its lines, at cell `x`."""

        def __init__(self, block: Block, x: int, y: int) -> None:
            super().__init__()
            self.block = block
            self.x = x
            self.y = y

    def __init__(self, *, id: str, frame: bool = False) -> None:
        super().__init__(id=id)
        self._frame = frame
        self._lines: tuple[Line, ...] = ()
        self.display = False

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show *lines*, and become as high as they are many."""
        before, self._lines = self._lines, tuple(lines)
        if len(before) != len(self._lines):
            self.styles.height = len(self._lines)
            self.display = bool(self._lines)
            self.refresh()
            return
        spans = ((y, changed_spans(old, new)) for y, (old, new) in enumerate(zip(before, self._lines, strict=True)))
        regions = [Region(first, y, cells, 1) for y, found in spans for first, cells in found]
        if regions:
            self.refresh(*regions)

    def on_click(self, event: Click) -> None:
        """Whoever shows it knows what its lines mean."""
        self.post_message(self.Clicked(self, event.x, event.y))

    def render_line(self, y: int) -> Strip:
        """One line, painted."""
        palette = palette_of(self)
        styles = palette.frame if self._frame else palette.plain
        line = self._lines[y] if y < len(self._lines) else Line("", ())
        return painted(line, styles, self.size.width, ascii_only=ascii_of(self))
