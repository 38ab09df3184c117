"""A few lines of cells that change in place: header, column heads, findings, status. Paints only what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from h2o_console.rows.cells import Line, Tone, in_ascii
from h2o_console.text import width as cells_of
from h2o_console.tui.themes import ascii_of, palette_of

if TYPE_CHECKING:
    from rich.style import Style


def painted(line: Line, styles: Mapping[Tone, Style], width: int, *, ascii_only: bool) -> Strip:
    """*line* as exactly *width* cells."""
    shown = ((in_ascii(cell.text) if ascii_only else cell.text, cell.tone) for cell in line.cells)
    segments = [Segment(text, styles[tone]) for text, tone in shown if text]
    return Strip(segments).adjust_cell_length(width, styles[Tone.PLAIN])


def changed_span(before: Line, after: Line) -> tuple[int, int] | None:
    """(first cell, number of cells) in which two lines differ; None when they look the same."""
    if before.cells == after.cells:
        return None
    widths = [cells_of(cell.text) for cell in after.cells]
    if [cells_of(cell.text) for cell in before.cells] != widths:
        return 0, max(sum(widths), sum(cells_of(cell.text) for cell in before.cells))
    differing = [at for at, (old, new) in enumerate(zip(before.cells, after.cells, strict=True)) if old != new]
    first, last = differing[0], differing[-1]
    return sum(widths[:first]), sum(widths[first : last + 1])


class Block(Widget):
    """As many lines as it is given; `frame` puts it on the framing ground."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Block { height: 1; width: 1fr; }
    """

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
        spans = ((y, changed_span(old, new)) for y, (old, new) in enumerate(zip(before, self._lines, strict=True)))
        regions = [Region(span[0], y, span[1], 1) for y, span in spans if span is not None]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        """One line, painted."""
        palette = palette_of(self)
        styles = palette.frame if self._frame else palette.plain
        line = self._lines[y] if y < len(self._lines) else Line("", ())
        return painted(line, styles, self.size.width, ascii_only=ascii_of(self))
