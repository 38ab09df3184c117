"""Writes to the terminal only what changed: the cells of a span, and of their colours what differs from the last one.

Textual 8.2 writes from the line's beginning, and each piece with all its colours: 500 bytes for one number, over SSH
many times a second.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from rich.color import ColorSystem
from rich.console import COLOR_SYSTEMS
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.segment import Segment

_PLAIN: Final = ("", "", "")
_LONG: Final = {"2": 5, "5": 3}
"""Colours by how they begin: ``38;2;r;g;b`` and ``38;5;n``."""


class Narrow(CompositorUpdate):
    """As *whole*, without what stands to the left of each span."""

    def __init__(self, whole: ChopsUpdate) -> None:
        self._whole = whole

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Where Textual asks for pieces instead: all of it."""
        return self._whole.__rich_console__(console, options)

    def render_segments(self, console: Console) -> str:
        """What goes to the terminal; it begins and ends with plain colours."""
        pen = _Pen(COLOR_SYSTEMS.get(console.color_system or "", ColorSystem.TRUECOLOR))
        for x, y, strip in self._strips():
            pen.written.append(Control.move_to(x, y).segment.text)
            for segment in strip:
                pen.write(segment)
        return pen.all()

    def _strips(self) -> Iterator[tuple[int, int, Strip]]:
        whole = self._whole
        for y, first, last in whole.spans:
            for end, (x, strip) in zip(whole.chop_ends[y], whole.chops[y].items(), strict=False):
                if strip is not None and x < last and end > first:
                    yield max(x, first), y, strip.crop(max(first - x, 0), min(end, last) - x)


class _Pen:
    """Writes pieces of text, and remembers with which colours."""

    def __init__(self, system: ColorSystem) -> None:
        self.written: list[str] = []
        self._system = system
        self._now = _PLAIN

    def write(self, segment: Segment) -> None:
        """A piece; one with a link brings all of its own."""
        style = segment.style
        if style is not None and style.link:
            self._change(_PLAIN)
            self.written.append(Strip.render_style(style, segment.text, self._system))
            return
        self._change(_PLAIN if style is None else parts(Strip.render_ansi(style, self._system)))
        self.written.append(segment.text)

    def _change(self, wanted: tuple[str, str, str]) -> None:
        if wanted == self._now:
            return
        (weight, ink, ground), (weight_now, ink_now, ground_now) = wanted, self._now
        self._now = wanted
        if weight != weight_now or (ink_now and not ink) or (ground_now and not ground):
            codes = ["0", weight, ink, ground] if any(wanted) else ["0"]
        else:
            codes = [ink if ink != ink_now else "", ground if ground != ground_now else ""]
        self.written.append(f"\x1b[{';'.join(filter(None, codes))}m")

    def all(self) -> str:
        """All that was written."""
        self._change(_PLAIN)
        return "".join(self.written)


@lru_cache(maxsize=1024)
def parts(codes: str) -> tuple[str, str, str]:
    """SGR codes as (bold and the like, the text's colour, the ground's)."""
    found: tuple[list[str], list[str], list[str]] = ([], [], [])
    left = codes.split(";") if codes else []
    while left:
        code = left[0]
        long = _LONG.get(left[1], 1) if code in {"38", "48"} and len(left) > 1 else 1
        ground = (
            code == "48" or (len(code) == 2 and code[0] == "4" and code <= "49" and code != "4") or code[:2] == "10"
        )
        ink = code in {"38", "39"} or (len(code) == 2 and code[0] in "39" and code <= "97")
        (found[2] if ground else found[1] if ink else found[0]).extend(left[:long])
        del left[:long]
    return ";".join(found[0]), ";".join(found[1]), ";".join(found[2])
