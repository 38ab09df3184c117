"""What a screen shows, before anybody chose colours: pieces of text with a tone, and lines made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from h2o_console.text import char_width

if TYPE_CHECKING:
    from h2o_console.rows.places import Place

_ASCII: Final = {"…": ".", "└": "`", "├": "|", "│": "|", "×": "x", "·": "-", "↓": "v", "↑": "^", "→": ">", "─": "-"}


class Tone(IntEnum):
    """What a piece of text means; a theme turns it into colour and weight."""

    PLAIN = 0
    DIM = 1
    UNKNOWN = 2
    GOOD = 3
    NOTE = 4
    WARN = 5
    BAD = 6
    HEAD = 7
    NAME = 8
    GRAPH = 9
    KEY = 10
    TITLE = 11


class Glyph(IntEnum):
    """How a resource does, the worst last; the sign, the word and the colour are always shown together."""

    FINE = 0
    NOTE = 1
    UNKNOWN = 2
    WARN = 3
    BROKEN = 4

    @property
    def sign(self) -> str:
        """One character."""
        return " ~?!x"[self]

    @property
    def word(self) -> str:
        """What the sign stands for."""
        return ("ok", "note", "unknown", "warning", "broken")[self]

    @property
    def tone(self) -> Tone:
        """Its colour's meaning."""
        return (Tone.GOOD, Tone.NOTE, Tone.UNKNOWN, Tone.WARN, Tone.BAD)[self]


@dataclass(frozen=True, slots=True)
class Cell:
    """A piece of safe text, already as wide as it is to be."""

    text: str
    tone: Tone = Tone.PLAIN


def in_ascii(text: str) -> str:
    """*text* without anything but ASCII, in as many cells: for terminals that show nothing else."""
    if text.isascii():
        return text
    return "".join(_ASCII.get(char) or "?" * char_width(char) if char > "~" else char for char in text)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list. `key` names what it stands for; a line that stands for nothing can't be selected.

    `opens` is where enter goes from it.
    """

    key: str
    cells: tuple[Cell, ...]
    selectable: bool = True
    opens: Place | None = None
