"""What the dialog of changes shows: a page has a title, lines, a foot, and hears keys. It knows no widget."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from h2o_console.rows.cells import Cell, Line, Tone
from h2o_console.text import clip, pad

if TYPE_CHECKING:
    from h2o_console.tui.commands.lines import Lines


@dataclass(frozen=True, slots=True)
class Press:
    """A key. *at_s*: when it came from the terminal, by the monotonic clock; `character`: "" where none is printed."""

    key: str
    character: str
    at_s: float


class Page(ABC):
    """One of the dialog's: the menu, a form, a plan."""

    has_cursor = False

    @abstractmethod
    def title(self) -> Sequence[Cell]:
        """The dialog's first line."""

    @abstractmethod
    def lines(self, width: int) -> Sequence[Line]:
        """What it is about, with unique keys."""

    @abstractmethod
    def foot(self, width: int) -> Sequence[Line]:
        """What is asked, and what to press."""

    @abstractmethod
    def press(self, pressed: Press, lines: Lines) -> None:
        """A key that does not scroll; *lines*: the list, with its cursor."""

    def picked(self, key: str) -> None:
        """The line called *key* was clicked twice."""
        del key

    def pasted(self, text: str) -> None:
        """Text came at once; nothing is agreed to by pasting."""
        del text

    def painted(self, look: int, now_s: float) -> None:
        """What `look` was before has been on the screen since *now_s*."""
        del look, now_s

    @property
    def look(self) -> int:
        """Another number when something else is to be seen before a key means anything."""
        return 0


def asked(text: str, keys: str, tone: Tone, width: int) -> Line:
    """A question, and the keys that answer it."""
    said = f" {text}"
    room = width - len(said)
    return Line("", (Cell(clip(said, width), tone), Cell(pad(clip(f"   {keys}", room), max(room, 0)), Tone.DIM)))
